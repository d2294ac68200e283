import { globSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect, it } from 'vitest';

/** Rooms of src/ and what each may import besides itself; the table of docs/CONTRIBUTING.md, argued in docs/adr/0001. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  system: ['core'],
  platform: ['core'],
  output: ['core'],
  state: ['system', 'core'],
  artifacts: ['system', 'core'],
  supervisor: ['system', 'core'],
  probes: ['system', 'core'],
  components: ['platform', 'core', 'artifacts'],
  generator: ['probes', 'platform', 'core', 'system'],
  reconcile: ['probes', 'platform', 'core'],
  bench: ['generator', 'reconcile', 'probes', 'platform', 'system', 'core'],
  checks: ['components', 'probes', 'platform', 'state', 'system', 'core'],
  serving: ['platform', 'core'],
  runtimes: ['supervisor', 'artifacts', 'components', 'probes', 'state', 'platform', 'system', 'core'],
  operations: [
    'runtimes',
    'supervisor',
    'artifacts',
    'components',
    'probes',
    'state',
    'generator',
    'reconcile',
    'bench',
    'checks',
    'serving',
    'platform',
    'system',
    'core',
  ],
  cli: ['output', 'core', 'system'],
  commands: ['operations', 'output', 'cli', 'core'],
};
/** Of components, artifacts only by its list of names: a component is pure. */
const onlyNames = /artifacts\/names\.ts$/;
const ioModules = /^node:(fs|fs\/promises|child_process|net|os|http|https|tls|dgram)$/;
const mayDoIo = new Set(['system']);

const root = join(import.meta.dirname, '../..');
const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s+'([^']+)'|import\(\s*'([^']+)'/g)].map(
    ([, fixed, dynamic]) => fixed ?? dynamic ?? '',
  );
}

it('sees the sources', () => {
  expect(files.length).toBeGreaterThan(30);
  expect(importsOf('src/cli/base-command.ts')).toContain('../output/live-sink.ts');
});

it('lets every room import only what its row allows', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = file.split('/')[1] ?? '';
    for (const target of importsOf(file)) {
      if (!target.startsWith('.')) continue;
      const resolved = normalize(join(file, '..', target));
      const other = resolved.split('/')[1] ?? '';
      if (other === room) continue;
      const allowed = (mayImport[room] ?? []).includes(other);
      if (!allowed || (room === 'components' && other === 'artifacts' && !onlyNames.test(resolved))) {
        wrong.push(`${file} imports ${resolved}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

it('keeps runtimes apart and I/O in system', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const [, room = '', runtime] = file.split('/');
    for (const target of importsOf(file)) {
      if (ioModules.test(target) && !mayDoIo.has(room)) wrong.push(`${file} imports ${target}`);
      if (
        room === 'runtimes' &&
        target.startsWith('../') &&
        runtime !== 'contract.ts' &&
        /^\.\.\/(embedded|kubernetes)\//.test(target)
      ) {
        wrong.push(`${file} imports ${target}`);
      }
      if (/^@oclif/.test(target) && !['cli', 'commands'].includes(room)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});
