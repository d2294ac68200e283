import { type OperationContext, step } from '../core/events.ts';
import { type CdcOptions, type CdcResult, runCdcLoad } from '../generator/cdc.ts';
import { openPostgres } from '../probes/postgres.ts';
import { givenNumbers, numberFlag } from './number-flags.ts';
import { openStack, type StackRef } from './stack.ts';

export interface GenerateChangesRequest extends StackRef {
  /** As typed. */
  flags: Readonly<Record<string, unknown>>;
}

/** Changes rows of the shop's database. @throws LambdaError BAD_NUMBER, NOT_UP, CDC_OPTIONS_INVALID */
export async function generateChanges(
  { flags, ...ref }: GenerateChangesRequest,
  context: OperationContext,
): Promise<CdcResult> {
  const options: CdcOptions = {
    pattern: flags.pattern as NonNullable<CdcOptions['pattern']>, // oclif checked it against its options
    ...(typeof flags.duration === 'string' ? { duration: flags.duration } : {}),
    ...givenNumbers(flags, ['rate', 'count', 'seed', 'users', 'products']),
  };
  const stack = await openStack(ref);
  await stack.requireUp();
  const client = await openPostgres(await stack.runtime.endpoint('postgres', 'sql'), 'shop');
  try {
    const title = `Change ${numberFlag('rate', flags.rate)} rows/s (${options.pattern})`;
    return await step(context, { id: 'changes', title }, async () => {
      const value = await runCdcLoad(client, options, { signal: context.signal });
      return { value, detail: `${value.inserted + value.updated + value.deleted} rows` };
    });
  } finally {
    await client.close();
  }
}
