import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  allReport,
  batchReport,
  interruptedReport,
  queryReport,
  speedReport,
} from '../../../test/support/bench-reports.ts';
import { compareBench } from './compare.ts';
import { keepBench, listBench, readBench } from './store.ts';

let home = '';
const ref = () => ({ home });
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bench-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const speedAt = (time: string) => speedReport({ id: `20261121-${time}-speed` });

async function keepFour(): Promise<void> {
  for (const report of [speedAt('184012'), speedAt('184512'), batchReport(), speedAt('192000')])
    await keepBench(ref(), report);
}

describe('keeping', () => {
  it('gives back what was kept, of every scenario', async () => {
    for (const report of [speedReport(), batchReport(), queryReport(), allReport(), interruptedReport()]) {
      expect(await keepBench(ref(), report)).toBe(join(home, 'bench', `${report.id}.json`));
      expect(await readBench(ref(), report.id)).toEqual(report);
    }
    // Nothing beside the reports: no half-written file is left.
    expect(await readdir(join(home, 'bench'))).toHaveLength(5);
  });

  it('says where it cannot write', async () => {
    const file = join(home, 'file');
    await writeFile(file, '');
    await expect(keepBench({ home: file }, speedReport())).rejects.toMatchObject({ code: 'HOME_NOT_WRITABLE' });
  });

  // A real small file system; where this user may not mount one, the kernel says no and there is nothing to see.
  it('lets a full disk through as what it is, and leaves no half of a report', async (context) => {
    const mount = join(home, 'small');
    await mkdir(mount);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', mount], { reject: false });
    if (mounted.failed) return context.skip();
    try {
      await expect(keepBench({ home: mount }, speedReport())).rejects.toMatchObject({
        code: 'DISK_FULL',
        exitCode: 20,
      });
      expect(await readdir(join(mount, 'bench'))).toEqual([]);
    } finally {
      await execa('umount', [mount]);
    }
  });
});

describe('reading', () => {
  beforeEach(keepFour);

  it.each([
    ['latest', '20261121-192000-speed'],
    ['previous', '20261121-184512-speed'],
    ['20261121-184012-speed', '20261121-184012-speed'],
    ['20261121-1905', '20261121-190500-batch'],
  ])('%s means %s', async (name, id) => expect((await readBench(ref(), name)).id).toBe(id));

  it.each(['20261121-184', '20261121-1840x', '', '../bench/20261121-184012-speed'])('%j means none', async (name) => {
    const error = await readBench(ref(), name).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BENCH_UNKNOWN', exitCode: 2 });
    expect(error).toMatchObject({ details: { near: expect.arrayContaining(['20261121-184512-speed']) } });
  });

  it('names only those that an ambiguous beginning means', async () => {
    const error = await readBench(ref(), '20261121-184').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ details: { near: ['20261121-184512-speed', '20261121-184012-speed'] } });
  });

  it('has none before the first batch run, and none at all in a new home', async () => {
    await expect(readBench(ref(), 'previous', batchReport())).rejects.toMatchObject({ code: 'BENCH_UNKNOWN' });
    await expect(readBench({ home: join(home, 'new') }, 'latest')).rejects.toMatchObject({ code: 'BENCH_UNKNOWN' });
  });

  it('takes a file of another machine, also the answer of --json', async () => {
    const file = join(home, 'answer.json');
    await writeFile(
      file,
      JSON.stringify({ schemaVersion: 1, command: 'bench speed', status: 'ok', data: speedReport() }),
    );
    expect(await readBench(ref(), file)).toEqual(speedReport());
    await expect(readBench(ref(), join(home, 'none.json'))).rejects.toMatchObject({ code: 'BENCH_UNKNOWN' });
  });

  it('says what is wrong with a file, and lists the others', async () => {
    const file = join(home, 'bench', '20261121-200000-speed.json');
    const whole = await readFile(join(home, 'bench', '20261121-184012-speed.json'), 'utf8');
    await writeFile(file, whole.slice(0, 500));
    await expect(readBench(ref(), 'latest')).rejects.toMatchObject({ code: 'BENCH_CORRUPT' });
    await writeFile(file, whole.replace('"verdict": "pass"', '"verdict": "fine"'));
    await expect(readBench(ref(), 'latest')).rejects.toThrow(/verdict/);
    await writeFile(file, whole.replace('"version": 1', '"version": 2'));
    await expect(readBench(ref(), 'latest')).rejects.toThrow(/version/);
    const { runs, unreadable } = await listBench(ref());
    expect(unreadable).toEqual([file]);
    expect(runs).toHaveLength(4);
  });
});

describe('listing', () => {
  beforeEach(keepFour);

  it('is by time, by scenario and limited; other files do not count', async () => {
    await mkdir(join(home, 'bench', 'notes'));
    await writeFile(join(home, 'bench', '.20261121-184012-speed.json.12.ab'), '');
    const ids = async (filter: Parameters<typeof listBench>[1]) =>
      (await listBench(ref(), filter)).runs.map(({ id }) => id);
    expect(await ids({})).toEqual([
      '20261121-192000-speed',
      '20261121-190500-batch',
      '20261121-184512-speed',
      '20261121-184012-speed',
    ]);
    expect(await ids({ scenario: 'speed', limit: 2 })).toEqual(['20261121-192000-speed', '20261121-184512-speed']);
    expect(await ids({ scenario: 'cdc' })).toEqual([]);
    const [newest] = (await listBench(ref(), {})).runs;
    expect(newest).toMatchObject({ rate: 20_000, lost: 0, verdict: 'pass', p99Ms: speedReport().latencyMs?.p99 });
  });
});

describe('comparing', () => {
  beforeEach(keepFour);

  it.each([
    [{ a: 'previous', b: 'latest' }, ['20261121-184512-speed', '20261121-192000-speed']],
    [{ a: '20261121-184512', b: 'previous' }, ['20261121-184512-speed', '20261121-184012-speed']],
  ])('%j', async (names, ids) => {
    const { a, b } = await compareBench(ref(), names);
    expect([a, b]).toEqual(ids);
  });

  it('refuses runs of different scenarios', async () => {
    await expect(compareBench(ref(), { a: 'latest', b: '20261121-1905' })).rejects.toMatchObject({
      code: 'BENCH_UNLIKE',
    });
  });
});
