import type { Profile } from '../../platform/profile.ts';
import type { OpenStack } from '../stack.ts';
import { withWarehouse } from '../warehouse.ts';

/** Logs in to the profile's account with the sealed key. @returns one line about it @throws LambdaError WAREHOUSE_UNREACHABLE, WAREHOUSE_REFUSED */
export async function checkSnowflake(stack: OpenStack, profile: Profile): Promise<string> {
  return withWarehouse(stack.runtime, profile, 'snowflake', async (client) => {
    const [row] = await client.rows('SELECT CURRENT_USER() AS U, CURRENT_ROLE() AS R, CURRENT_ACCOUNT() AS A');
    return `${row?.U} with role ${row?.R} in account ${row?.A}`;
  });
}
