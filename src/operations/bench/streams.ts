import { join } from 'node:path';
import { contentOf } from '../../bench/ledger/warehouse.ts';
import type { StreamName } from '../../generator/generator.ts';
import { type Entity, layoutOf, type RecordSchema } from '../../reconcile/entities.ts';
import { loadSchema } from '../provision/schemas.ts';
import { projectRoot } from '../stack.ts';

/** By stream the fields by which its records are compared. */
export type StreamContents = Readonly<Record<StreamName, Entity>>;

/** By stream the schema of its records, as in schemas/. */
export async function streamSchemas(): Promise<Readonly<Record<StreamName, RecordSchema>>> {
  const load = (name: StreamName) => loadSchema(join(projectRoot, 'schemas', layoutOf(name).schema));
  const [events, sales] = await Promise.all([load('user_events'), load('transactions')]);
  return { user_events: events, transactions: sales };
}

/** @param schemas of the streams' records */
export const contentsOf = (schemas: Readonly<Record<StreamName, RecordSchema>>): StreamContents => ({
  user_events: contentOf('user_events', schemas.user_events),
  transactions: contentOf('transactions', schemas.transactions),
});
