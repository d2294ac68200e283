import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDir, until } from '../../test/support/supervisor.ts';
import { acquireLock, withLock } from './lock.ts';

const lockSource = JSON.stringify(join(import.meta.dirname, 'lock.ts'));

/** A process that runs a module body which may use acquireLock. */
function other(body: string): Promise<string> & { pid: number } {
  const program = `import { acquireLock } from ${lockSource};\nimport { readFileSync, writeFileSync } from 'node:fs';\n${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  const ended = new Promise<string>((settle) => child.once('close', () => settle(text)));
  return Object.assign(ended, { pid: child.pid ?? 0 });
}

describe('acquireLock', () => {
  it('is exclusive, names the holder, and can be had again after release', async () => {
    const dir = join(tempDir(), 'lock');
    const lock = await acquireLock(dir, { command: 'lambdactl up' });
    await expect(acquireLock(dir, { command: 'lambdactl down' })).rejects.toMatchObject({
      code: 'STACK_BUSY',
      exitCode: 20,
      details: { pid: process.pid, command: 'lambdactl up' },
      message: expect.stringContaining(`\`lambdactl up\` (pid ${process.pid})`),
    });
    await lock.release();
    await withLock(dir, { command: 'next' }, async () => {});
    await (await acquireLock(dir, { command: 'last' })).release();
  });

  it('waits when asked to, and stops waiting at the signal', async () => {
    const dir = join(tempDir(), 'lock');
    const first = await acquireLock(dir, { command: 'first' });
    const waiting = acquireLock(dir, { command: 'second', waitMs: 60_000 });
    const signal = AbortSignal.timeout(50);
    await expect(acquireLock(dir, { command: 'third', waitMs: 60_000, signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await first.release();
    await (await waiting).release();
  });

  it('is taken over from a holder that was killed, and from one whose pid belongs to another process now', async () => {
    const dir = join(tempDir(), 'lock');
    const holder = other(
      `await acquireLock(${JSON.stringify(dir)}, { command: 'dying' }); setInterval(() => {}, 1000);`,
    );
    const file = await until(() => {
      try {
        return readdirSync(dir).find((name) => /^\d+$/.test(name));
      } catch {
        return null;
      }
    });
    await expect(acquireLock(dir, { command: 'me' })).rejects.toMatchObject({ details: { pid: holder.pid } });
    process.kill(holder.pid, 'SIGKILL');
    await holder;
    const lock = await acquireLock(dir, { command: 'me' });
    await lock.release();
    const reused = { pid: process.pid, started: 'earlier:1', command: 'x', since: '' };
    writeFileSync(join(dir, String(Number(file) + 2)), JSON.stringify(reused));
    await (await acquireLock(dir, { command: 'me' })).release();
  });

  it('keeps processes apart that take it over and over', async () => {
    const root = tempDir();
    const [dir, counter] = [join(root, 'lock'), join(root, 'counter')];
    writeFileSync(counter, '0');
    // Reads, waits and writes: any two inside at the same time lose a count. Every third holder dies without releasing.
    const body = (name: string) => `
      for (let turn = 0; turn < 12; turn += 1) {
        const lock = await acquireLock(${JSON.stringify(dir)}, { command: '${name}', waitMs: 60000 });
        const count = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
        await new Promise((settle) => setTimeout(settle, 2));
        writeFileSync(${JSON.stringify(counter)}, String(count + 1));
        if (turn < 11 || '${name}' !== 'c') await lock.release();
      }`;
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => other(body(name))));
    expect(readFileSync(counter, 'utf8')).toBe('48');
    expect(readdirSync(dir).length).toBeLessThan(4);
  }, 40_000);
});
