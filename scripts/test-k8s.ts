// `npm run test:k8s`: builds the control plane if it is not built, then runs test/k8s. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildRig } from '../test/rig/control-plane/build.ts';

await buildRig({ say: (line) => console.error(`rig: ${line}`), signal: AbortSignal.timeout(2 * 60 * 60_000) });
const root = join(import.meta.dirname, '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const run = spawnSync(process.execPath, [vitest, 'run', '--project', 'k8s', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(run.status ?? 1);
