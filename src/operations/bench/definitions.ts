import type { BenchScenario } from '../../core/bench-report.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { batchScenario } from './batch.ts';
import { cdcScenario } from './cdc.ts';
import { ingestScenario } from './ingest.ts';
import { queryScenario } from './query.ts';
import type { Scenario } from './scenario.ts';
import { speedScenario } from './speed.ts';

export interface Definition {
  run: Scenario;
  needs: readonly ComponentName[];
  warmupMs: number;
  /** null: it takes as long as its work does. */
  durationMs: number | null;
  /** Bytes on disk a record leaves behind in all stores, roughly and rather too many. */
  bytesPerRecord: number;
  defaultRecords: number;
  /** It hands a file of this machine to a job, which a pod does not see. */
  embeddedOnly?: true;
}

export const definitions: Record<BenchScenario, Definition> = {
  ingest: {
    run: ingestScenario,
    needs: ['kafka'],
    warmupMs: 5000,
    durationMs: 20_000,
    bytesPerRecord: 300,
    defaultRecords: 6e6,
    embeddedOnly: true,
  },
  speed: {
    run: speedScenario,
    needs: ['kafka', 'spark', 'clickhouse'],
    warmupMs: 30_000,
    durationMs: 60_000,
    bytesPerRecord: 700,
    defaultRecords: 1.8e6,
  },
  batch: {
    run: batchScenario,
    needs: ['kafka', 'connect', 'objectstore', 'postgres', 'warehouse', 'clickhouse'],
    warmupMs: 0,
    durationMs: null,
    bytesPerRecord: 1500,
    defaultRecords: 1e6,
  },
  cdc: {
    run: cdcScenario,
    needs: ['postgres', 'connect', 'kafka'],
    warmupMs: 10_000,
    durationMs: 60_000,
    bytesPerRecord: 2000,
    defaultRecords: 1.4e5,
  },
  query: {
    run: queryScenario,
    needs: ['kafka', 'spark', 'clickhouse'],
    warmupMs: 20_000,
    durationMs: 60_000,
    bytesPerRecord: 700,
    defaultRecords: 1.6e6,
  },
};
