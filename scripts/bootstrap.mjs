// Makes a fresh clone runnable: npm packages by the lock file, then the build. Runs on the system's Node (>= 20)
// before anything of the project is installed, so it uses Node's own modules only.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const installed = join(root, 'node_modules', '.lambdactl-installed');
const say = (text) => process.stderr.write(`lambdactl: ${text}\n`);
const mtime = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function refuse(text, ...advice) {
  say(text);
  for (const line of advice) process.stderr.write(`  ${line}\n`);
  process.exit(20);
}

/** One bootstrap at a time: the second waits for the first, and takes over from one that died. */
function lock() {
  const directory = join(root, '.bootstrap.lock');
  for (let told = false; ; ) {
    try {
      mkdirSync(directory);
      writeFileSync(join(directory, 'pid'), String(process.pid));
      return () => rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        refuse(`cannot write to ${root} (${error.code}).`, 'The clone must be writable once, to install and build.');
      }
    }
    let pid = 0;
    try {
      pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    } catch {
      // The holder is between mkdir and write, or has just finished.
    }
    if (pid > 0 && !isAlive(pid)) rmSync(directory, { recursive: true, force: true });
    else if (!told) {
      say('another lambdactl is installing here; waiting for it.');
      told = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function run(what, command, args) {
  const started = Date.now();
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.error || result.status !== 0) {
    refuse(
      `${what} failed: ${[command, ...args].join(' ')}`,
      ...`${result.error?.message ?? ''}\n${result.stdout ?? ''}\n${result.stderr ?? ''}`.trim().split('\n').slice(-15),
    );
  }
  return ((Date.now() - started) / 1000).toFixed(1);
}

function install(withTests) {
  // npm writes this file at every install: newer than the lock means that the lock is installed.
  const wanted = withTests ? 'all' : 'run';
  const present = existsSync(installed) ? readFileSync(installed, 'utf8') : '';
  const fits = present === 'all' || present === wanted;
  if (fits && mtime(installed) >= mtime(join(root, 'package-lock.json'))) return;
  const omit = withTests || present === 'all' ? [] : ['--omit=dev'];
  say(
    `installing npm packages${omit.length > 0 ? '' : ' with the test tools'} (about half a gigabyte on disk, once) …`,
  );
  const seconds = run('npm ci', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...omit]);
  writeFileSync(installed, omit.length > 0 ? 'run' : 'all');
  say(`installed in ${seconds} s.`);
}

function node24() {
  const name = `node-${process.platform}-${process.arch}`;
  const bundled = join(root, 'node_modules', name, 'bin', 'node');
  return existsSync(bundled) ? bundled : process.execPath;
}

/** Beside, then renamed: a lambdactl that runs meanwhile goes on loading its modules. */
function build() {
  const started = Date.now();
  const [dist, fresh, old] = ['dist', 'dist.new', 'dist.old'].map((name) => join(root, name));
  for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true });
  // Types are checked by `npm test`; a clone only has to be turned into JavaScript.
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run('build', node24(), [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh]);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
  run('command manifest', node24(), [join(root, 'scripts', 'manifest.mjs')]);
  const stamp = join(dist, '.complete');
  writeFileSync(stamp, '');
  // Whatever changed while this ran must be seen as newer than the stamp.
  utimesSync(stamp, started / 1000, started / 1000);
  say(`built in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  refuse(`Node.js 20 or newer is needed to install; this is ${process.version}.`);
}
const release = lock();
try {
  install(process.argv.includes('--with-tests'));
  build();
} finally {
  release();
}
