import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onlyOnce, stoppable } from './containers.ts';
import type { PartedCommand } from './secrecy.ts';

const command = (executable: string, ...args: string[]): PartedCommand => ({ executable, args, open: {}, secret: {} });

function start({ executable, args }: PartedCommand) {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString().trim()));
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  return { child, lines, ended };
}

/** Says what it was sent, and ends a little later with code 7. */
const program = `
const end = (signal) => { console.log(signal); setTimeout(() => process.exit(7), 200); };
process.on('SIGINT', () => end('INT'));
process.on('SIGTERM', () => end('TERM'));
setInterval(() => {}, 1000);
console.log('up');
`;

it.each([
  ['SIGTERM', 'TERM'],
  ['SIGINT', 'INT'],
] as const)('a program that wants %s is sent it by SIGTERM, and its end is waited for', async (signal, seen) => {
  const { child, lines, ended } = start(stoppable(command(process.execPath, '-e', program), signal));
  await expect.poll(() => lines.join()).toBe('up');
  child.kill('SIGTERM');
  expect(await ended).toBe(7);
  expect(lines).toEqual(['up', seen]);
});

it('a program that ends by itself keeps its exit code', async () => {
  expect(await start(stoppable(command('/bin/sh', '-c', 'exit 3'), 'SIGINT')).ended).toBe(3);
});

it('a preparation is done once, and again when it failed', async () => {
  const marker = join(mkdtempSync(join(tmpdir(), 'once-')), 'done');
  const run = async (script: string) => {
    const { ended, lines } = start(onlyOnce(command('/bin/sh', '-c', script), marker));
    return [await ended, lines.join()];
  };
  expect(await run('echo tried; exit 4')).toEqual([4, 'tried']);
  expect(existsSync(marker)).toBe(false);
  expect(await run('echo done')).toEqual([0, 'done']);
  expect(await run('echo again')).toEqual([0, '']);
});
