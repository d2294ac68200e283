import { usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { type CdcOptions, type CdcResult, runCdcLoad } from '../generator/cdc.ts';
import { openPostgres, type PostgresClient } from '../probes/postgres.ts';
import { givenNumbers, numberFlag } from './number-flags.ts';
import { seededRows } from './seeded-rows.ts';
import { openStack, type StackRef } from './stack.ts';

export interface GenerateChangesRequest extends StackRef {
  /** As typed. */
  flags: Readonly<Record<string, unknown>>;
}

/** Changes rows of the shop's database. @throws LambdaError BAD_NUMBER, NOT_UP, SHOP_NOT_SEEDED, CDC_OPTIONS_INVALID */
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
      const rows = await rowsToChange(client, stack.name, options);
      const value = await runCdcLoad(client, { ...options, ...rows }, { signal: context.signal });
      return { value, detail: `${value.inserted + value.updated + value.deleted} rows` };
    });
  } finally {
    await client.close();
  }
}

/** What is there, or less of it where that was asked for. */
async function rowsToChange(client: PostgresClient, stack: string, asked: Pick<CdcOptions, 'users' | 'products'>) {
  const seeded = await seededRows(client, stack);
  const { users = seeded.users, products = seeded.products } = asked;
  if (users > seeded.users || products > seeded.products) {
    throw usageError(`The shop has ${seeded.users} users and ${seeded.products} products: no more can be changed.`, {
      code: 'CDC_OPTIONS_INVALID',
      actions: ['Without --users and --products all of them are.'],
    });
  }
  return { users, products };
}
