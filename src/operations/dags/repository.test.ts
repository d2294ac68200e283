import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { commitSnapshot, dagFiles, headOf, isClone, pushClone, updateMirror } from './repository.ts';

vi.setConfig({ testTimeout: 90_000 });
let scratch = '';
let origin = '';
let mirror = '';
let directory = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'dags-repository-'));
  [origin, mirror, directory] = [join(scratch, 'origin.git'), join(scratch, 'mirror.git'), join(scratch, 'source')];
  write('dags/a.py', 'with DAG("a"): pass\n');
  write('dags/lambda_platform/steps.py', 'x = "DAG(no)"\n');
  const script = join(import.meta.dirname, '../../../templates/airflow/create-repositories.sh');
  execFileSync('/bin/sh', [script, origin, mirror, directory, 'main']);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
const list = (commit: string) => git(`--git-dir=${origin}`, 'ls-tree', '-r', '--name-only', commit).split('\n');
const snapshot = (force = false) => commitSnapshot({ origin, directory, message: 'again', force });

function write(path: string, text: string, base = directory): void {
  mkdirSync(join(base, path, '..'), { recursive: true });
  writeFileSync(join(base, path), text);
}

function clone(): string {
  const path = join(scratch, `clone-${readdirSync(scratch).length}`);
  git('clone', '--quiet', origin, path);
  git('-C', path, 'config', 'user.name', 'Ada');
  git('-C', path, 'config', 'user.email', 'ada@example.org');
  return path;
}

it('makes the state of a directory the next commit, changes and deletions alike', async () => {
  const first = await headOf(origin);
  expect(await snapshot()).toBe(first);
  write('dags/b.py', '@dag\ndef b(): pass\n');
  write('dags/__pycache__/b.pyc', 'compiled');
  rmSync(join(directory, 'dags/a.py'));
  const second = await snapshot();
  expect(list(second)).toEqual(['dags/b.py', 'dags/lambda_platform/steps.py']);
  expect(git(`--git-dir=${origin}`, 'log', '--format=%s', `${first}..main`)).toBe('again');
  expect(await dagFiles(origin, second)).toEqual({ all: ['b.py'], dags: ['b.py'] });
  expect(existsSync(join(directory, '.git'))).toBe(false);
  expect(readdirSync(origin).filter((name) => name.startsWith('sync-index'))).toEqual([]);
  await updateMirror({ origin, mirror });
  expect(await headOf(mirror)).toBe(second);
});

it('does not undo what somebody pushed, unless forced to', async () => {
  const path = clone();
  write('dags/c.py', 'c = 1\n', path);
  expect(await isClone(path)).toBe(true);
  const pushed = await pushClone({ origin, directory: path, message: 'c', force: false });
  expect(await headOf(origin)).toBe(pushed);
  expect(git(`--git-dir=${origin}`, 'log', '-1', '--format=%an: %s')).toBe('Ada: c');
  write('dags/a.py', 'with DAG("a2"): pass\n');
  await expect(snapshot()).rejects.toMatchObject({ code: 'DAGS_DIVERGED', exitCode: 2 });
  expect(await headOf(origin)).toBe(pushed);
  expect(list(await snapshot(true))).not.toContain('dags/c.py');
});

it('pushes a clone only when it has all that the branch has', async () => {
  const [early, late] = [clone(), clone()];
  write('dags/early.py', 'e = 1\n', early);
  await pushClone({ origin, directory: early, message: 'early', force: false });
  write('dags/late.py', 'l = 1\n', late);
  const push = { origin, directory: late, message: 'late', force: false };
  await expect(pushClone(push)).rejects.toMatchObject({ code: 'DAGS_DIVERGED' });
  git('-C', late, 'pull', '--quiet', '--rebase', origin, 'main');
  expect(list(await pushClone(push))).toEqual(expect.arrayContaining(['dags/early.py', 'dags/late.py']));
});

it('takes a directory inside another repository for a plain one', async () => {
  git('init', '--quiet', scratch);
  expect(await isClone(directory)).toBe(false);
});
