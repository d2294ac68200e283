import { airflow } from './airflow/component.ts';
import { clickhouse } from './clickhouse/component.ts';
import { connect } from './connect/component.ts';
import type { ComponentDefinition } from './contract.ts';
import { kafka } from './kafka/component.ts';
import { objectstore } from './objectstore/component.ts';
import { postgres } from './postgres/component.ts';
import { registry } from './registry/component.ts';
import { spark } from './spark/component.ts';
import { warehouse } from './warehouse/component.ts';

/** Every component there is, in the order in which status shows them. */
export const catalogue: readonly ComponentDefinition[] = [
  postgres,
  kafka,
  clickhouse,
  spark,
  connect,
  registry,
  objectstore,
  warehouse,
  airflow,
];
