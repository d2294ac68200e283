import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tempDir, until } from '../../test/support/supervisor.ts';
import { makeDirectory, writeAtomic, writeIfChanged } from '../system/files.ts';
import { readDesired, updateDesired } from './desired.ts';
import { appendJournal, readJournal, trimJournal } from './journal.ts';
import { readObserved, writeObserved } from './observed.ts';
import { createStackDirs, stackPaths } from './paths.ts';
import { commitSecrets, ensureSecrets, readSecrets, saveCredentials, stagedOf, stageSecrets } from './secrets.ts';

async function stack(name = 'default') {
  const paths = stackPaths(tempDir(), name);
  await createStackDirs(paths);
  return paths;
}

describe('paths', () => {
  it('lie below the home, closed where they hold secrets and logs', async () => {
    const paths = await stack('two');
    expect(paths.desiredFile).toBe(join(paths.home, 'stacks/two/stack.json'));
    expect(paths.dir('kafka-2', 'data')).toBe(join(paths.home, 'stacks/two/data/kafka-2'));
    expect(statSync(paths.logDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(paths.stackDir, 'data')).mode & 0o777).toBe(0o711);
  });

  it('take a short socket where the natural one would be too long', () => {
    expect(stackPaths('/h', 'default').socket).toBe('/h/stacks/default/run/supervisor.sock');
    const long = stackPaths(`/${'deep/'.repeat(30)}home`, 'default');
    expect(Buffer.byteLength(long.socket)).toBeLessThan(103);
    expect(long.socket).not.toBe(stackPaths(`/${'deep/'.repeat(30)}home`, 'other').socket);
  });

  it('refuse names that are no directory names', () => {
    for (const name of ['', '..', 'a/b', 'A', '-x', 'x'.repeat(40)]) {
      expect(() => stackPaths('/h', name), name).toThrow(
        expect.objectContaining({ code: 'BAD_STACK_NAME', exitCode: 2 }),
      );
    }
  });

  it.skipIf(process.getuid?.() === 0)('say so when the home cannot be written', async () => {
    const home = tempDir();
    chmodSync(home, 0o500);
    await expect(createStackDirs(stackPaths(home, 'default'))).rejects.toMatchObject({ code: 'HOME_NOT_WRITABLE' });
  });

  it('say so when the home is a file', async () => {
    const home = join(tempDir(), 'file');
    writeFileSync(home, '');
    await expect(createStackDirs(stackPaths(join(home, 'x'), 'default'))).rejects.toMatchObject({
      code: 'HOME_NOT_WRITABLE',
    });
  });
});

describe('desired state', () => {
  it('keeps what is not changed, over calls at the same time', async () => {
    const paths = await stack();
    expect(await readDesired(paths)).toBe(null);
    await Promise.all([
      updateDesired(paths, { ports: { 'kafka.broker': 9092 } }),
      updateDesired(paths, { profile: { name: 'lite' } }),
      updateDesired(paths, ({ accounts }) => ({ accounts: { ...accounts, postgres: { kind: 'mapped' } } })),
    ]);
    const desired = await readDesired(paths);
    expect(desired).toMatchObject({
      stack: 'default',
      ports: { 'kafka.broker': 9092 },
      profile: { name: 'lite' },
      accounts: { postgres: { kind: 'mapped' } },
    });
    const before = readFileSync(paths.desiredFile, 'utf8');
    await updateDesired(paths, { ports: { 'kafka.broker': 9092 } });
    expect(readFileSync(paths.desiredFile, 'utf8')).toBe(before);
  });

  it('names the file and what to do when it is damaged', async () => {
    const paths = await stack();
    for (const text of ['{"version": 1, "sta', '[]', '{"version":2}', '{"version":1,"stack":"x"}']) {
      writeFileSync(paths.desiredFile, text);
      await expect(readDesired(paths), text).rejects.toMatchObject({
        code: 'STATE_CORRUPT',
        message: expect.stringContaining(paths.desiredFile),
        actions: [expect.stringContaining('lambdactl up')],
      });
    }
    await expect(updateDesired(paths, { ports: {} })).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });
});

describe('observed state', () => {
  it('comes back as written, and is not believed when a process in it is none', async () => {
    const paths = await stack();
    const state = { supervisor: null, guard: { pid: 77, started: 'b:1' }, marker: 'LAMBDACTL_RUN=1/', services: [] };
    await writeObserved(paths, state);
    expect(await readObserved(paths)).toEqual(state);
    await writeAtomic(paths.observedFile, JSON.stringify({ version: 1, ...state, guard: { pid: -1, started: 'b:1' } }));
    await expect(readObserved(paths)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });
});

describe('secrets', () => {
  it('have successors beside them until these take their place', async () => {
    const paths = await stack();
    const need = (id: string) => ({ id, user: 'a', kind: 'password' as const });
    const before = await ensureSecrets(paths, [need('a.password'), need('b.password')]);
    const staged = stagedOf(await stageSecrets(paths, [need('a.password')]), 'a.password');
    expect(staged?.secret).not.toBe(before['a.password']?.secret);
    // Killed here, and begun again: the server may know this one already.
    expect(stagedOf(await stageSecrets(paths, [need('a.password')]), 'a.password')).toEqual(staged);
    expect((await readSecrets(paths))['a.password']).toEqual(before['a.password']);
    const after = await commitSecrets(paths, ['a.password']);
    expect(after['a.password']?.secret).toBe(staged?.secret);
    expect(after['b.password']).toEqual(before['b.password']);
    expect(stagedOf(after, 'a.password')).toBeNull();
    expect(await readSecrets(paths)).toEqual(after);
  });

  it('are made once, of the right form, for this user alone', async () => {
    const paths = await stack();
    const needs = [
      { id: 'a.password', user: 'a', kind: 'password' },
      { id: 'b.key', user: 'b', kind: 'accessKey' },
      { id: 'c.id', user: 'c', kind: 'uuid' },
      { id: 'd.cluster', user: 'd', kind: 'clusterId' },
    ] as const;
    const made = await ensureSecrets(paths, needs);
    expect(made['a.password']).toEqual({
      user: 'a',
      secret: expect.stringMatching(/^[A-Z][\w-]{23}$/),
      since: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(made['b.key']?.secret).toMatch(/^[A-Z2-7]{20}$/);
    expect(made['c.id']?.secret).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/);
    expect(made['d.cluster']?.secret).toMatch(/^\w[\w-]{21}$/);
    expect(statSync(paths.secretsFile).mode & 0o777).toBe(0o600);
    const more = await ensureSecrets(paths, [...needs, { id: 'e', user: 'e', kind: 'password' }]);
    expect(more).toMatchObject(made);
    expect(await readSecrets(paths)).toEqual(more);
  });

  it('lie sealed on disk, and open with the key they were sealed with only', async () => {
    const paths = await stack();
    await saveCredentials(paths, { 'account.s3': { user: 'AKIDKNOWN', secret: 'a-secret-of-a-cloud-account' } });
    const onDisk = readFileSync(paths.secretsFile, 'utf8');
    expect(onDisk).not.toContain('AKIDKNOWN');
    expect(onDisk).not.toContain(Buffer.from('a-secret-of-a-cloud-account').toString('base64').slice(0, 20));
    expect(statSync(join(paths.home, 'secrets.key')).mode & 0o777).toBe(0o600);
    expect((await readSecrets(paths))['account.s3']?.user).toBe('AKIDKNOWN');
    writeFileSync(join(paths.home, 'secrets.key'), Buffer.alloc(32, 7).toString('base64'));
    await expect(readSecrets(paths)).rejects.toMatchObject({ code: 'BAD_SECRETS_KEY' });
    vi.stubEnv('LAMBDACTL_SECRETS_KEY', 'too short');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await expect(readSecrets(paths)).rejects.toMatchObject({ code: 'BAD_SECRETS_KEY', category: 'usage' });
  });

  it('of an earlier lambdactl are read in the clear and sealed with the next change', async () => {
    const paths = await stack();
    const credentials = { 'postgres.shop': { user: 'shop', secret: 'plain-until-now' } };
    writeFileSync(paths.secretsFile, JSON.stringify({ version: 1, credentials }));
    expect(await readSecrets(paths)).toEqual(credentials);
    await ensureSecrets(paths, [{ id: 'kafka.id', user: 'kafka', kind: 'clusterId' }]);
    expect(readFileSync(paths.secretsFile, 'utf8')).not.toContain('plain-until-now');
    expect(await readSecrets(paths)).toMatchObject(credentials);
  });
});

describe('journal', () => {
  it('is read in order, without a line that a crash cut, and kept short', async () => {
    const paths = await stack();
    await appendJournal(paths, { operation: 'up', step: 'start/kafka', outcome: 'begun' });
    writeFileSync(paths.journalFile, '{"time":"2026', { flag: 'a' });
    expect(await readJournal(paths)).toMatchObject([{ operation: 'up', step: 'start/kafka', outcome: 'begun' }]);
    const line = JSON.stringify({ time: '', operation: 'up', step: 's', outcome: 'done' });
    writeFileSync(paths.journalFile, `${line}\n`.repeat(1500));
    await trimJournal(paths);
    expect((await readJournal(paths)).length).toBe(1000);
  });
});

describe('atomic writes', () => {
  it('show a reader one content or the other, whenever the writer is killed', async () => {
    const dir = tempDir();
    const file = join(dir, 'state.json');
    const source = JSON.stringify(join(import.meta.dirname, '../system/files.ts'));
    const program = `import { writeAtomic } from ${source};
      for (let n = 0; ; n += 1) await writeAtomic(${JSON.stringify(file)}, JSON.stringify({ n, fill: 'x'.repeat(200000) }));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const read = () => {
      try {
        return JSON.parse(readFileSync(file, 'utf8')).n as number;
      } catch (error) {
        if (error instanceof SyntaxError) throw error;
        return null;
      }
    };
    await until(() => (read() ?? 0) > 20);
    child.kill('SIGKILL');
    await until(() => child.signalCode);
    expect(read()).toBeGreaterThan(20);
  });

  it('set the mode whatever the umask, leave no leftovers, and skip equal content', async () => {
    const dir = tempDir();
    const file = join(dir, 'a');
    const before = process.umask(0o077);
    try {
      await writeAtomic(file, 'one', { mode: 0o644 });
      await makeDirectory(join(dir, 'd'), 0o755);
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(statSync(join(dir, 'd')).mode & 0o777).toBe(0o755);
    expect(await writeIfChanged(file, 'one', { mode: 0o644 })).toBe(false);
    expect(await writeIfChanged(file, 'one', { mode: 0o600 })).toBe(true);
    mkdirSync(join(dir, 'target'));
    await expect(writeAtomic(join(dir, 'target'), 'x')).rejects.toThrow();
    expect(readdirSync(dir).sort()).toEqual(['a', 'd', 'target']);
  });
});
