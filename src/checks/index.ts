import { airflowDags } from './airflow-dags.ts';
import { airflowProcesses } from './airflow-processes.ts';
import { clickhouseParts } from './clickhouse-parts.ts';
import { clickhouseSchema } from './clickhouse-schema.ts';
import { clockSkew } from './clock-skew.ts';
import { components } from './components.ts';
import { connectors } from './connectors.ts';
import { consumerLag } from './consumer-lag.ts';
import type { Check } from './contract.ts';
import { dagRepository } from './dag-repository.ts';
import { deadLetters } from './dead-letters.ts';
import { diskGrowth } from './disk-growth.ts';
import { freshness } from './freshness.ts';
import { kafkaTopics } from './kafka-topics.ts';
import { lakeTables } from './lake-tables.ts';
import { logins } from './logins.ts';
import { objectStore } from './object-store.ts';
import { postgresSessions } from './postgres-sessions.ts';
import { reconcileResult } from './reconcile-result.ts';
import { registrySubjects } from './registry-subjects.ts';
import { replicationSlot } from './replication-slot.ts';
import { speedCheckpoint } from './speed-checkpoint.ts';
import { speedJob } from './speed-job.ts';
import { warehouseSchema } from './warehouse-schema.ts';

/** Every check, in the order in which they are told. */
export const checks: readonly Check[] = [
  components,
  kafkaTopics,
  postgresSessions,
  objectStore,
  clickhouseParts,
  airflowProcesses,
  clockSkew,
  connectors,
  replicationSlot,
  consumerLag,
  speedJob,
  speedCheckpoint,
  deadLetters,
  freshness,
  registrySubjects,
  clickhouseSchema,
  warehouseSchema,
  airflowDags,
  dagRepository,
  lakeTables,
  diskGrowth,
  reconcileResult,
  logins,
];
