import { type BenchScenario, benchScenarios } from '../../core/bench-report.ts';
import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../core/units.ts';
import { unpacedRate } from '../../generator/options.ts';
import { numberFlag } from '../number-flags.ts';
import type { StackRef } from '../stack.ts';
import { definitions } from './definitions.ts';
import type { ScenarioRequest } from './scenario.ts';

/** Flags as typed. */
export interface BenchRequest extends StackRef {
  scenario: string;
  rate: string | undefined;
  duration: string | undefined;
  warmup: string | undefined;
  seed: string | undefined;
  events: string | undefined;
  concurrency: string | undefined;
  findMax: boolean;
  /** Run as a Job of the stack's cluster. */
  inCluster?: boolean;
}

/** What was asked for; null: the scenario's own. */
export type Asked = Omit<ScenarioRequest, 'warmupMs' | 'durationMs'> & {
  warmupMs: number | null;
  durationMs: number | null;
};

/** @throws LambdaError BENCH_UNKNOWN_SCENARIO */
export function scenarioOf(text: string): BenchScenario | 'all' {
  const found = [...benchScenarios, 'all' as const].find((name) => name === text);
  if (found !== undefined) return found;
  throw usageError(`There is no scenario "${text}".`, {
    code: 'BENCH_UNKNOWN_SCENARIO',
    actions: [`Scenarios: ${benchScenarios.join(', ')}, all.`],
  });
}

/** @throws LambdaError BAD_RATE, BAD_NUMBER, DURATION_INVALID */
export function askedOf(request: BenchRequest): Asked {
  const rate = numberFlag('rate', request.rate) ?? null;
  if (rate !== null && (rate <= 0 || rate > unpacedRate)) {
    const why = rate <= 0 ? 'a rate is above 0' : `the generator makes at most ${unpacedRate} records/s`;
    throw usageError(`--rate ${request.rate}: ${why}.`, { code: 'BAD_RATE', actions: ['e.g. --rate 20000'] });
  }
  const duration = (text: string | undefined) => (text === undefined ? null : parseDuration(text));
  return {
    rate,
    durationMs: duration(request.duration),
    warmupMs: request.warmup !== undefined && /^0(ms|s|m|h|d)?$/.test(request.warmup) ? 0 : duration(request.warmup),
    seed: wholeNumber('seed', request.seed) ?? Math.floor(Math.random() * 2 ** 48),
    events: wholeNumber('events', request.events) ?? null,
    concurrency: wholeNumber('concurrency', request.concurrency) ?? null,
  };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  const value = numberFlag(name, text);
  if (value === undefined || (Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1))) return value;
  throw usageError(`--${name} ${text} is no whole number above 0.`, { code: 'BAD_NUMBER' });
}

export const withDefaults = (name: BenchScenario, asked: Asked): ScenarioRequest => ({
  ...asked,
  warmupMs: asked.warmupMs ?? definitions[name].warmupMs,
  durationMs: asked.durationMs ?? definitions[name].durationMs ?? 0,
});
