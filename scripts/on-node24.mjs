// Runs a TypeScript script on the Node that the project brings along: node scripts/on-node24.mjs SCRIPT ARGS…
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bootstrap = spawnSync(process.execPath, [join(root, 'scripts', 'bootstrap.mjs'), '--with-tests'], {
  stdio: 'inherit',
});
if (bootstrap.status !== 0) process.exit(bootstrap.status ?? 1);
const bundled = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
const run = spawnSync(existsSync(bundled) ? bundled : process.execPath, process.argv.slice(2), { stdio: 'inherit' });
process.exit(run.status ?? 1);
