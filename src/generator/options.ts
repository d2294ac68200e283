import { z } from 'zod';
import { usageError } from '../core/errors.ts';
import { parseDuration } from '../core/units.ts';
import { type BadRates, badKinds } from './bad-data.ts';
import { type GeneratorOptions, streamNames } from './generator.ts';
import { compressions } from './kafka/record-batch.ts';
import { shapes } from './schedule.ts';

/** Rate of event time where people ask for "as fast as possible": above what any machine reaches, so that time never runs ahead. */
export const unpacedRate = 1_000_000;

const faultKinds = [...badKinds, 'duplicate'] as const;
const share = z.number().min(0).max(0.5);

const streamsSchema = z.array(z.enum(streamNames)).min(1);
const bothStreams = [...streamNames];

const addresses = z
  .array(z.string().regex(/^[^\s:]+:\d{1,5}$/, 'must be host:port'))
  .min(1)
  .readonly();

const sinkSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('kafka'),
    bootstrap: z.union([addresses, z.strictObject({ servers: addresses, authority: z.string() })]),
    compression: z.enum(compressions).default('lz4'),
    streams: streamsSchema.default(bothStreams),
    /** Put before the names of both topics, for runs that must not reach the pipeline. */
    topicPrefix: z
      .string()
      .regex(/^[a-zA-Z0-9._-]*$/)
      .default(''),
    /** How long records wait for company, ms: fewer and larger requests cost the generator, the broker and every reader less. */
    lingerMs: z.number().min(0).max(10_000).default(100),
    /** How long a batch is tried before the run fails, ms. */
    deliveryTimeoutMs: z.number().min(100).default(120_000),
  }),
  z.strictObject({
    type: z.literal('file'),
    /** JSON Lines; overwritten. */
    path: z.string().min(1),
    streams: streamsSchema.default(bothStreams),
  }),
  z.strictObject({ type: z.literal('stdout'), streams: streamsSchema.default(bothStreams) }),
  z.strictObject({ type: z.literal('null') }),
]);

const maxUsers = 1_000_000;

const runSchema = z.strictObject({
  /** Default: drawn anew for every run, so that two runs never repeat each other's ids. */
  seed: z.int().min(0).optional(),
  /** Records a second on user_events, or "max": as fast as the machine goes. */
  rate: z.union([z.number().positive().max(unpacedRate), z.literal('max')]).default(100),
  shape: z.enum(shapes).default('steady'),
  /** "60s" or ms. Event time; of rate "max", time on the clock. */
  duration: z.union([z.string(), z.number().positive()]).optional(),
  /** Records on user_events. */
  count: z.int().positive().optional(),
  /** Event time of the first event: ISO 8601 or ms since 1970. Default: when the run starts. */
  startTime: z.union([z.int(), z.iso.datetime({ offset: true })]).optional(),
  /** false: event time passes at `rate`, but nothing waits for the clock, as for a history. Default true. */
  paced: z.boolean().default(true),
  users: z.int().min(1).max(maxUsers).default(10_000),
  products: z.int().min(1).max(100_000).default(1000),
  sessions: z.int().min(1).max(100_000).optional(),
  ips: z.int().min(1).max(100_000).default(10_000),
  newUserShare: z.number().min(0).max(0.2).default(0),
  /** Share of bad records in all, spread evenly over the kinds that `bad` does not set. */
  badRate: share.default(0),
  bad: z.partialRecord(z.enum(faultKinds), share).default({}),
  sink: sinkSchema,
});

/** What a caller passes to runGenerator. */
export type RunOptions = z.input<typeof runSchema>;
export type SinkOptions = z.output<typeof sinkSchema>;

/** Checked options: the engine's, and how to run it. */
export interface ResolvedOptions {
  /** Without startTime, which is known only when the sink is ready. */
  engine: Omit<GeneratorOptions, 'startTime'>;
  startTime: number | undefined;
  paced: boolean;
  /** End of the run on the clock, ms. */
  clockLimitMs: number | undefined;
  sink: SinkOptions;
}

/**
 * Checks what was asked for and fills in the defaults.
 * @throws LambdaError GENERATE_OPTIONS_INVALID or DURATION_INVALID (usage)
 */
export function resolveOptions(options: RunOptions): ResolvedOptions {
  const parsed = runSchema.safeParse(options);
  if (!parsed.success) throw invalid(parsed.error.issues.map(describe).join('; '));
  const { seed, rate, duration, startTime, paced, badRate, bad, sink, count, sessions, ...rest } = parsed.data;
  const durationMs = typeof duration === 'string' ? parseDuration(duration) : duration;
  const unpaced = rate === 'max';
  if ((unpaced || !paced) && count === undefined && durationMs === undefined) {
    throw invalid('a run that does not keep to the clock needs an end: count or duration');
  }
  const rates = ratesOf(badRate, bad);
  return {
    engine: {
      ...rest,
      seed: seed ?? Math.floor(Math.random() * 2 ** 48),
      rate: unpaced ? unpacedRate : rate,
      bad: rates,
      ...(count !== undefined && { count }),
      ...(sessions !== undefined && { sessions }),
      ...(durationMs !== undefined && !unpaced && { durationMs }),
    },
    startTime: typeof startTime === 'string' ? Date.parse(startTime) : startTime,
    paced: paced && !unpaced,
    clockLimitMs: unpaced ? durationMs : undefined,
    sink,
  };
}

/** Rates by kind; what `total` leaves to each kind that is not set by itself. */
function ratesOf(total: number, bad: BadRates): BadRates {
  const rates = Object.fromEntries(
    faultKinds.map((kind) => [kind, bad[kind] ?? total / faultKinds.length]),
  ) as Required<BadRates>; // one entry a kind
  // A duplicate needs an original of its own, so it counts twice.
  const sum = faultKinds.reduce((all, kind) => all + rates[kind], rates.duplicate);
  if (sum > 1) throw invalid(`the rates of bad records add up to more than all records (${sum.toFixed(2)})`);
  return rates;
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function invalid(reason: string) {
  return usageError(`Cannot generate: ${reason}.`, {
    code: 'GENERATE_OPTIONS_INVALID',
    actions: ['See "lambdactl generate --help" for rates, shapes, sinks and bad-data rates.'],
  });
}
