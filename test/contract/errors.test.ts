import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('lists every error code in docs/errors.md, and no other', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  const thrown = new Set(
    sources.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/code: '([A-Z][A-Z_0-9]+)'/g)].map(([, code]) => code),
    ),
  );
  const listed = new Set(
    readFileSync(join(root, 'docs/errors.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && /^\| [A-Z]/.test(line))
      .flatMap((line) => line.split('|')[1]?.split(',') ?? [])
      .map((code) => code.trim()),
  );
  expect([...thrown].filter((code) => !listed.has(code ?? ''))).toEqual([]);
  expect([...listed].filter((code) => !thrown.has(code))).toEqual([]);
});
