import { usageError } from '../core/errors.ts';
import { warehouse as layout } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';
import type { Server } from '../probes/server.ts';
import { openWarehouse, type WarehouseClient, type WarehouseSettings } from '../probes/snowflake.ts';
import type { Runtime } from '../runtimes/contract.ts';

/** Endpoints of the warehouse by what their user may do; on Snowflake one user does everything. */
export type WarehouseAccess = 'admin' | 'load' | 'dbt' | 'snowflake';

/** @throws LambdaError NOT_UP, WAREHOUSE_KEY_MISSING */
export async function settingsOf(
  runtime: Runtime,
  profile: Profile,
  access: WarehouseAccess,
): Promise<WarehouseSettings> {
  const target = profile.warehouse;
  if (target.target === 'embedded') return warehouseSettings(profile, await runtime.endpoint('warehouse', access));
  const key = await runtime.account('snowflake');
  // Without a sealed key, the one that the environment names.
  if (key === null) return warehouseSettings(profile, null);
  return { ...target, user: key.user, privateKey: { pem: key.secret } };
}

/** A session that is closed whatever comes. @throws what openWarehouse and `use` throw */
export async function withWarehouse<T>(
  runtime: Runtime,
  profile: Profile,
  access: WarehouseAccess,
  use: (client: WarehouseClient) => Promise<T>,
): Promise<T> {
  const client = await openWarehouse(await settingsOf(runtime, profile, access));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * @param server of the embedded warehouse its endpoint (the user's role has the user's name); for Snowflake a login whose password is
 * the private key as PEM, or null
 * @param environment where that is null: LAMBDA_WAREHOUSE_PRIVATE_KEY (PEM), or _PRIVATE_KEY_PATH and _PRIVATE_KEY_PASSPHRASE
 * @throws LambdaError WAREHOUSE_KEY_MISSING
 */
export function warehouseSettings(
  profile: Profile,
  server: Pick<Server, 'url' | 'user' | 'password'> | null,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): WarehouseSettings {
  const { warehouse } = profile;
  if (warehouse.target === 'embedded') {
    const { url = '', user, password } = server ?? {};
    const name = user ?? '';
    return { target: 'embedded', url, user: name, password: password ?? '', role: name, database: layout.database };
  }
  const { account, user, role, warehouse: virtual, database } = warehouse;
  const {
    LAMBDA_WAREHOUSE_PRIVATE_KEY: own,
    LAMBDA_WAREHOUSE_PRIVATE_KEY_PATH: path,
    LAMBDA_WAREHOUSE_PRIVATE_KEY_PASSPHRASE: passphrase,
  } = environment;
  const pem = server?.password ?? own;
  if (!pem && !path) throw keyMissing(account, user);
  const privateKey = pem ? { pem } : { path: path ?? '', ...(passphrase === undefined ? {} : { passphrase }) };
  return { target: 'snowflake', account, user, role, warehouse: virtual, database, privateKey };
}

const keyMissing = (account: string, user: string) =>
  usageError(`The private key of ${user} is needed to reach Snowflake account ${account}.`, {
    code: 'WAREHOUSE_KEY_MISSING',
    actions: ['Set LAMBDA_WAREHOUSE_PRIVATE_KEY_PATH (and _PASSPHRASE); docs/warehouse.md says how to make a key.'],
  });
