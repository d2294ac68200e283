import { externalError, messageOf } from '../../core/errors.ts';
import { clickhouse } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { openClickHouse } from '../../probes/clickhouse.ts';
import { openWarehouse } from '../../probes/snowflake.ts';
import { type Ask, batchSide, type Side, speedSide, textRow } from '../../reconcile/sides.ts';
import type { OpenStack } from '../stack.ts';
import { settingsOf } from '../warehouse.ts';

/** Both layers, opened for questions. */
export interface Layers {
  speed: Side;
  batch: Side;
  close(): Promise<void>;
}

/** As readers: reconcile changes nothing. @throws LambdaError NOT_UP, WAREHOUSE_UNREACHABLE, WAREHOUSE_REFUSED */
export async function openLayers(stack: OpenStack, profile: Profile): Promise<Layers> {
  const speedServer = await stack.runtime.endpoint('clickhouse', 'http');
  const batch = await openWarehouse(await settingsOf(stack.runtime, profile, 'snowflake'));
  const speed = openClickHouse(speedServer, clickhouse.database);
  return {
    speed: speedSide(asking('speed', (sql) => speed.rows(sql))),
    batch: batchSide(asking('batch', (sql) => batch.stream(sql))),
    close: async () => {
      await Promise.all([speed.close(), batch.close()]);
    },
  };
}

type Rows = AsyncIterable<Record<string, unknown>> | Promise<Record<string, unknown>[]>;

function asking(layer: Side['dialect']['layer'], run: (sql: string) => Rows): Ask {
  return async function* ask(sql) {
    try {
      for await (const row of await run(sql)) yield textRow(row);
    } catch (error) {
      throw externalError(`The ${layer} layer did not answer: ${messageOf(error)}`, {
        code: 'RECONCILE_FAILED',
        details: { layer, sql: sql.slice(0, 2000) },
        actions: ['lambdactl health', `lambdactl logs ${layer === 'speed' ? 'clickhouse' : 'warehouse'}`],
        cause: error,
      });
    }
  };
}
