// Rewrites package-lock.json from package.json, whole: `node scripts/lock-npm.mjs`.
//
// Why a script: a registry mirror that lacks a package's builds for other platforms makes npm leave them out of the
// lock, and `npm ci` then refuses the lock on every machine. Such builds get an entry by name (os, cpu and libc are
// part of it by convention), so that each platform installs its own; their hashes are not known here and not checked.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-lock-'));
try {
  for (const file of ['package.json', '.npmrc']) cpSync(join(root, file), join(scratch, file));
  const args = ['install', '--package-lock-only', '--no-audit', '--no-fund'];
  const npm = spawnSync('npm', args, { cwd: scratch, stdio: ['ignore', 'inherit', 'inherit'] });
  if (npm.status !== 0) process.exit(npm.status ?? 1);
  const lock = JSON.parse(readFileSync(join(scratch, 'package-lock.json'), 'utf8'));
  const added = complete(lock);
  writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
  console.error(`lock-npm: ${Object.keys(lock.packages).length} packages, ${added.length} of them by name only:`);
  console.error(`  ${added.join(' ')}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function complete(lock) {
  const added = [];
  for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`;
      const platform = platformOf(name);
      if (lock.packages[path] !== undefined || platform === null) continue;
      lock.packages[path] = { version, ...platform, ...(dev ? { dev: true } : {}), optional: true };
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return added;
}

function platformOf(name) {
  const os = /(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|aix)/.exec(name)?.[1];
  const cpu = /(arm64|x64|ia32|arm|ppc64|riscv64|s390x|loong64|mips64el|wasm32)/.exec(
    name.replace(/^.*?(?=-(arm|x64|ia32|ppc|risc|s390|loong|mips|wasm))/, ''),
  )?.[1];
  if (os === undefined && cpu !== 'wasm32') return null;
  const libc = /musl/.test(name) ? ['musl'] : /linux.*gnu/.test(name) ? ['glibc'] : null;
  return { ...(libc === null ? {} : { libc }), cpu: [cpu ?? 'x64'], ...(os === undefined ? {} : { os: [os] }) };
}
