// `npm test`: installs what is missing, then format, lint, types, unused code, and every test project of vitest.
// Arguments go to vitest: `npm test -- --project unit src/core` runs just those (and skips the static half).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const chosen = process.argv.slice(2);

function must(what, command, args, env = process.env) {
  const started = Date.now();
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.status !== 0) {
    console.error(`npm test: ${what} failed (${[command, ...args].join(' ')})`);
    process.exit(result.status ?? 1);
  }
  console.error(`npm test: ${what} ok (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

must('install and build', process.execPath, [join(root, 'scripts', 'bootstrap.mjs'), '--with-tests']);

const bundled = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
const node = existsSync(bundled) ? join(bundled, 'node') : process.execPath;
const env = {
  ...process.env,
  PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
};
if (chosen.length === 0) {
  must('format and lint', 'biome', ['check', '--error-on-warnings', '.'], env);
  must('types', 'tsc', ['-p', 'tsconfig.test.json'], env);
  must('unused code', 'knip', ['--no-progress'], env);
}

if (chosen.length === 0) {
  // Tests that need an artifact are skipped without it; all of them run here.
  must('artifacts', node, [join(root, 'scripts', 'install-artifacts.ts')], env);
}

// The tests of test/k8s are part of this run where their control plane is built; else each is a counted skip, and said why.
const rig = spawnSync(node, [join(root, 'scripts', 'k8s-rig-state.ts')], { cwd: root, encoding: 'utf8', env });
if (rig.stdout) console.error(`npm test: test/k8s is skipped: ${rig.stdout.trim()}`);

const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-test-'));
const report = join(scratch, 'vitest.json');
const vitest = spawnSync(
  node,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...chosen,
  ],
  { cwd: root, stdio: 'inherit', env },
);
const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;
rmSync(scratch, { recursive: true, force: true });
if (counts === null) {
  console.error('npm test: vitest wrote no report');
  process.exit(vitest.status || 1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = counts;
const failed = numFailedTests === 0 && vitest.status !== 0 ? 1 : numFailedTests;
console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`);
process.exit(vitest.status ?? 1);
