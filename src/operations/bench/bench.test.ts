import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benchScenarios } from '../../core/bench-report.ts';
import type { OperationEvent } from '../../core/events.ts';
import { updateDesired } from '../../state/desired.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import { openStack } from '../stack.ts';
import { bench, scenariosFor } from './bench.ts';

const home = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
const signal = new AbortController().signal;

beforeAll(async () => {
  for (const [stack, cluster] of [
    ['there', { context: 'staging', kind: null }],
    ['here', null],
  ] as const) {
    const paths = stackPaths(home, stack);
    await createStackDirs(paths);
    await updateDesired(paths, { runtime: cluster === null ? 'embedded' : 'kubernetes', cluster });
  }
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const asked = (change: object) => ({
  ...{ home, stack: 'there', scenario: 'ingest', rate: undefined, duration: undefined, warmup: undefined },
  ...{ seed: undefined, events: undefined, concurrency: undefined, findMax: false, ...change },
});

it.each([{}, { inCluster: true }])(
  'ingest of a stack in a cluster is refused before anything is asked: %j',
  async (change) => {
    const refused = bench(asked(change), { emit: () => {}, signal });
    await expect(refused).rejects.toMatchObject({ code: 'NOT_HERE', exitCode: 20 });
  },
);

it.each([
  ['here', benchScenarios, 0],
  ['there', benchScenarios.filter((name) => name !== 'ingest'), 1],
] as const)('all, of the stack that is %s', async (stack, expected, warnings) => {
  const events: OperationEvent[] = [];
  const names = scenariosFor('all', await openStack({ home, stack }), { emit: (event) => void events.push(event) });
  expect(names).toEqual(expected);
  expect(events).toHaveLength(warnings);
});
