import { addressesIn, type Bootstrap } from '../core/bootstrap.ts';
import { LambdaError, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import type { BadKind } from '../generator/bad-data.ts';
import type { RunOptions } from '../generator/options.ts';
import { type GeneratorResult, runGenerator } from '../generator/run.ts';
import { readIfExists } from '../system/files.ts';
import { brokersInside, brokersOf } from './brokers.ts';
import { argumentsOf, requireCluster, runInCluster } from './in-cluster.ts';
import { givenNumbers, numberFlag } from './number-flags.ts';
import { openStack, type StackRef } from './stack.ts';

/** Flags as typed; numbers are read here, so that every wrong one gets the same kind of answer. */
export interface GenerateRequest extends StackRef {
  flags: Readonly<Record<string, unknown>>;
}

const badRateFlags: Readonly<Record<string, BadKind | 'duplicate'>> = {
  'malformed-rate': 'malformed_json',
  'missing-field-rate': 'missing_field',
  'wrong-type-rate': 'wrong_type',
  'unknown-event-type-rate': 'unknown_type',
  'future-rate': 'future_timestamp',
  'late-rate': 'late_timestamp',
  'duplicate-rate': 'duplicate',
};

/**
 * Runs the generator into the stack's Kafka or another sink.
 * @throws LambdaError BAD_NUMBER, BAD_RATE, NOT_UP; what runGenerator throws
 */
export async function generate(request: GenerateRequest, context: OperationContext): Promise<GeneratorResult> {
  if (request.flags.sink === 'stdout' && request.flags.json === true) {
    throw usageError('--sink stdout and --json both want stdout.', {
      code: 'BAD_USAGE',
      actions: ['Write events to a file (--sink file --file events.jsonl), or leave --json out.'],
    });
  }
  const options = await optionsOf(request);
  if (request.flags['in-cluster'] === true) return generateInCluster(request, options, context);
  const title = `Generate ${options.rate === 'max' ? 'as fast as possible' : `${options.rate} events/s`}`;
  return step(context, { id: 'generate', title }, async () => {
    const result = await runGenerator(options, {
      signal: context.signal,
      onProgress: ({ sent, rate, lateMs }) =>
        context.emit({
          type: 'progress',
          id: 'generate',
          done: sent,
          unit: 'events',
          detail: `${Math.round(rate)}/s${lateMs > 1000 ? `, ${(lateMs / 1000).toFixed(1)} s behind` : ''}`,
          ...(options.count === undefined ? {} : { total: options.count }),
        }),
    });
    if (result.failed > 0) {
      throw new LambdaError(`${result.failed} records were not delivered.`, {
        code: 'GENERATE_INCOMPLETE',
        category: 'external',
        details: { result },
      });
    }
    return { value: result, detail: `${result.sent} sent, ${Math.round(result.achievedRate)}/s` };
  });
}

/** Checked here, where a mistake costs nothing; then the same command runs as a Job beside Kafka. It needs no secret of the stack. */
async function generateInCluster(
  { flags, ...ref }: GenerateRequest,
  options: RunOptions,
  context: OperationContext,
): Promise<GeneratorResult> {
  if (flags.sink !== 'kafka' || (options.count === undefined && options.duration === undefined)) {
    throw usageError('--in-cluster sends to Kafka, and needs an end: --count or --duration.', { code: 'BAD_USAGE' });
  }
  const stack = await openStack(ref);
  await requireCluster(stack);
  const brokers = await brokersInside(stack.runtime);
  const args = ['generate', ...argumentsOf(flags), `--bootstrap=${addressesIn(brokers).join(',')}`];
  const { data } = await runInCluster(stack, args, 'servers' in brokers ? brokers : null, context);
  return data as GeneratorResult; // what `generate --json` of the same version answers
}

async function optionsOf({ flags, ...ref }: GenerateRequest): Promise<RunOptions> {
  const text = (name: string) => (typeof flags[name] === 'string' ? flags[name] : undefined);
  const bad = Object.fromEntries(
    Object.entries(badRateFlags).flatMap(([flag, kind]) => {
      const share = numberFlag(flag, flags[flag]);
      return share === undefined ? [] : [[kind, share]];
    }),
  );
  const [duration, startTime] = [text('duration'), text('start-time')];
  const newUserShare = numberFlag('new-user-share', flags['new-user-share']);
  const badRate = numberFlag('bad-rate', flags['bad-rate']);
  return {
    ...givenNumbers(flags, ['count', 'seed', 'users', 'products', 'sessions']),
    ...(duration === undefined ? {} : { duration }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(newUserShare === undefined ? {} : { newUserShare }),
    ...(badRate === undefined ? {} : { badRate }),
    rate: rateOf(text('rate') ?? '100'),
    bad,
    paced: flags.unpaced !== true,
    shape: flags.shape as NonNullable<RunOptions['shape']>, // oclif checked it against its options
    sink: await sinkOf(ref, {
      sink: text('sink'),
      file: text('file'),
      bootstrap: text('bootstrap'),
      authority: text('bootstrap-ca'),
      compression: text('compression'),
    }),
  };
}

function rateOf(text: string): number | 'max' {
  const rate = text === 'max' ? 'max' : (numberFlag('rate', text) ?? 0);
  if (rate === 'max' || rate > 0) return rate;
  throw usageError(`--rate ${rate}: a rate is above 0.`, {
    code: 'BAD_RATE',
    actions: ['e.g. --rate 1000, or --rate max'],
  });
}

type SinkFlags = Record<'sink' | 'file' | 'bootstrap' | 'authority' | 'compression', string | undefined>;

async function sinkOf(
  ref: StackRef,
  { sink, file, bootstrap, authority, compression }: SinkFlags,
): Promise<RunOptions['sink']> {
  if (sink === 'stdout' || sink === 'null') return { type: sink };
  if (sink === 'file') {
    if (file === undefined) throw usageError('--sink file needs --file PATH.', { code: 'BAD_USAGE' });
    return { type: 'file', path: file };
  }
  const servers = bootstrap === undefined ? await stackBootstrap(ref) : await namedBootstrap(bootstrap, authority);
  const codec = compression as 'lz4' | 'snappy' | 'zstd' | 'none'; // oclif checked it against its options
  return { type: 'kafka', bootstrap: servers, compression: codec };
}

async function namedBootstrap(bootstrap: string, file: string | undefined): Promise<Bootstrap> {
  const servers = bootstrap.split(',');
  if (file === undefined) return servers;
  const authority = await readIfExists(file);
  if (authority !== null) return { servers, authority };
  throw usageError(`There is no certificate at ${file}.`, { code: 'BAD_USAGE' });
}

async function stackBootstrap(ref: StackRef): Promise<Bootstrap> {
  const stack = await openStack(ref);
  await stack.requireUp();
  return brokersOf(stack.runtime);
}
