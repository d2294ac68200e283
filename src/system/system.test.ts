import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../test/support/supervisor.ts';
import { explainWriteError, obstacleFor } from './files.ts';
import { findTool, freeDiskBytes, hostFacts } from './host.ts';
import { connectUnix, listenUnix, portHolder } from './net.ts';
import { findExecutable, resolveHome } from './paths.ts';
import { identityOf, isAlive, ownIdentity, statFields } from './process.ts';
import { listProcesses, memoryOf, treeOf } from './process-table.ts';

describe('processes', () => {
  it('are told apart by their start time', async () => {
    const own = ownIdentity();
    expect(identityOf(process.pid)).toEqual(own);
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, started: `${own.started}0` })).toBe(false);
    const child = spawn('true', { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    await new Promise((settle) => child.once('exit', settle));
    expect(identityOf(pid)).toBe(null);
  });

  it('are read although their name holds spaces and brackets', () => {
    expect(statFields('12 (a) b (c)) S 1 12 13 0\n')).toEqual(['S', '1', '12', '13', '0']);
  });

  it('are listed with memory and time', () => {
    const rows = listProcesses();
    const own = rows.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ ppid: process.ppid, started: ownIdentity().started });
    expect(own?.cpuSeconds).toBeGreaterThan(0);
    expect(memoryOf([process.pid])).toBeGreaterThan(10_000_000);
  });

  it('belong to a tree by session or parent, never by a reused pid', () => {
    const row = (pid: number, ppid: number, sid: number, started = `b:${pid}`) => ({
      pid,
      ppid,
      sid,
      started,
      cpuSeconds: 0,
    });
    const rows = [
      row(10, 1, 10),
      row(11, 10, 10),
      row(12, 11, 12),
      row(20, 1, 20, 'b:later'),
      row(21, 20, 20),
      row(31, 1, 30),
    ];
    const tree = (...roots: [number, string][]) =>
      treeOf(
        roots.map(([pid, started]) => ({ pid, started })),
        rows,
      ).map(({ pid }) => pid);
    expect(tree([10, 'b:10'])).toEqual([10, 11, 12]);
    expect(tree([20, 'b:20'])).toEqual([]);
    expect(tree([30, 'b:30'])).toEqual([31]);
  });
});

describe('host', () => {
  it('tells facts that can be', async () => {
    const facts = hostFacts();
    expect(facts.cores).toBeGreaterThan(0);
    expect(facts.memoryTotalBytes).toBeGreaterThan(facts.memoryAvailableBytes);
    expect(facts.memoryAvailableBytes).toBeGreaterThan(1_000_000);
    expect(await freeDiskBytes(join(tmpdir(), 'not/there/yet'))).toBeGreaterThan(1_000_000);
  });

  it('finds programs with their version', async () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'tool'), '#!/bin/sh\necho "tool version 3.11.2 (x)" >&2\n', { mode: 0o755 });
    expect(findExecutable('tool', dir)).toBe(join(dir, 'tool'));
    expect(await findTool(join(dir, 'tool'))).toEqual({ path: join(dir, 'tool'), version: '3.11.2' });
    expect(await findTool('no-such-program-here')).toBe(null);
    expect(resolveHome('/x')).toBe('/x');
    expect(resolveHome(undefined)).toMatch(/\.lambdactl$/);
  });
});

describe('obstacleFor', () => {
  it('names the first directory that somebody else may not enter', async () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    writeFileSync(join(dir, 'a/b/file'), '', { mode: 0o600 });
    const nobody = { uid: 65534, gid: 65534 };
    expect(await obstacleFor(nobody, join(dir, 'a/b/file'))).toBe(dir);
    chmodSync(dir, 0o711);
    expect(await obstacleFor(nobody, join(dir, 'a/b/file'))).toBe(join(dir, 'a/b/file'));
    expect(await obstacleFor(nobody, join(dir, 'a/b/file'), { wayOnly: true })).toBe(null);
    expect(await obstacleFor(nobody, join(dir, 'a/b/later'))).toBe(null);
    chmodSync(join(dir, 'a/b/file'), 0o644);
    expect(await obstacleFor(nobody, join(dir, 'a/b/file'))).toBe(null);
  });
});

describe('write errors', () => {
  it('become advice where there is any', () => {
    const error = (code: string) => Object.assign(new Error(code), { code });
    expect(explainWriteError(error('ENOSPC'), '/x/y')).toMatchObject({ code: 'DISK_FULL', exitCode: 20 });
    expect(explainWriteError(error('EROFS'), '/x/y')).toMatchObject({ code: 'HOME_NOT_WRITABLE' });
    const strange = error('EBADF');
    expect(explainWriteError(strange, '/x/y')).toBe(strange);
  });
});

describe('json over a unix socket', () => {
  it('keeps messages whole, answers bad ones, and notices the end', async () => {
    const path = join(tempDir(), 's');
    const server = await listenUnix(path, async (connection) => {
      for await (const message of connection.messages) connection.send({ got: message });
    });
    const connection = await connectUnix(path);
    const big = 'ö'.repeat(300_000);
    connection.send({ big });
    const messages = connection.messages[Symbol.asyncIterator]();
    expect(await messages.next()).toEqual({ done: false, value: { got: { big } } });
    server.close();
    expect((await messages.next()).done).toBe(true);
    await expect(connectUnix(path)).rejects.toMatchObject({ code: expect.stringMatching(/ENOENT|ECONNREFUSED/) });
    expect(portHolder(1)).toBe(null);
  });
});
