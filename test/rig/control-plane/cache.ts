import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rigTools } from './tools.ts';

const here = import.meta.dirname;

/** What the build leaves, by the hash of everything that goes into it. */
export interface Rig {
  /** `<cache>/<key>` */
  dir: string;
  bin(name: string): string;
  /** Directories of custom resource definitions (YAML), by their source in crds.json. */
  crds(): ReadonlyMap<string, string>;
  /** Directories of charts that came with the operators' sources, by name. */
  chart(name: string): string | null;
}

/** Files whose content decides what is built. */
const inputs = (): string[] => [
  ...[...new Set(rigTools.map(({ module }) => module))].flatMap((module) => [
    `go/${module}/go.mod`,
    `go/${module}/go.sum`,
  ]),
  'crds.json',
  'tools.ts',
];

/** LAMBDACTL_RIG_CACHE, or ~/.cache/lambdactl-rig; below it, a directory for each state of the inputs. */
export function rigDirectory(): string {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of inputs()) hash.update(`\n${file}\n`).update(readFileSync(join(here, file)));
  const base = process.env.LAMBDACTL_RIG_CACHE || join(homedir(), '.cache', 'lambdactl-rig');
  return join(base, hash.digest('hex').slice(0, 16));
}

/** The rig when it is whole, or in words why it cannot be used. */
export function findRig(): Rig | { missing: string } {
  const dir = rigDirectory();
  const bin = (name: string) => join(dir, 'bin', name);
  const lacking = rigTools.filter(({ name }) => !existsSync(bin(name))).map(({ name }) => name);
  if (lacking.length === rigTools.length) return { missing: 'no control plane is built: npm run rig:k8s' };
  if (lacking.length > 0) return { missing: `not built yet: ${lacking.join(', ')}: npm run rig:k8s` };
  if (!existsSync(join(dir, 'sources.json'))) {
    return { missing: 'custom resource definitions are not gathered: npm run rig:k8s' };
  }
  const below = (kind: string) => join(dir, kind);
  return {
    dir,
    bin,
    crds: () => new Map(readdirSync(below('crds')).map((name) => [name, join(below('crds'), name)])),
    chart: (name) => (existsSync(join(below('charts'), name)) ? join(below('charts'), name) : null),
  };
}
