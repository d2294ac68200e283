import { LambdaError } from '../core/errors.ts';
import { domainEpoch } from '../generator/users.ts';
import type { PostgresClient } from '../probes/postgres.ts';

/** Users and products that `seed` wrote; rows that loads have inserted are younger. @throws LambdaError SHOP_NOT_SEEDED */
export async function seededRows(client: PostgresClient, stack: string): Promise<{ users: number; products: number }> {
  const count = async (table: string, column: string) => {
    const sql = `select count(*)::int as n from ${table} where ${column} < $1`;
    const [row] = await client.query<{ n: number }>(sql, [new Date(domainEpoch)]);
    return row?.n ?? 0;
  };
  const [users, products] = [await count('users', 'registration_date'), await count('products', 'created_at')];
  if (users > 0 && products > 0) return { users, products };
  throw new LambdaError('The shop’s database has no users or products that could be changed.', {
    code: 'SHOP_NOT_SEEDED',
    category: 'preflight',
    actions: [stack === 'default' ? 'lambdactl seed' : `lambdactl seed --stack ${stack}`],
  });
}
