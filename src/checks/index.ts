import { airflowDags } from './airflow-dags.ts';
import { airflowProcesses } from './airflow-processes.ts';
import { answers } from './answers.ts';
import { artifacts } from './artifacts.ts';
import { cgroup } from './cgroup.ts';
import { clickhouseParts } from './clickhouse-parts.ts';
import { clickhouseSchema } from './clickhouse-schema.ts';
import { clock } from './clock.ts';
import { clockSkew } from './clock-skew.ts';
import { clusterCertificate } from './cluster-certificate.ts';
import { clusterImages } from './cluster-images.ts';
import { clusterNodes } from './cluster-nodes.ts';
import { clusterPods } from './cluster-pods.ts';
import { clusterReachable } from './cluster-reachable.ts';
import { clusterVolumes } from './cluster-volumes.ts';
import { connectors } from './connectors.ts';
import { consumerLag } from './consumer-lag.ts';
import { containerEngine } from './container-engine.ts';
import { cores } from './cores.ts';
import { dagRepository } from './dag-repository.ts';
import { deadLetters } from './dead-letters.ts';
import { disk } from './disk.ts';
import { diskGrowth } from './disk-growth.ts';
import { drift } from './drift.ts';
import { freshness } from './freshness.ts';
import { homeFilesystem } from './home-filesystem.ts';
import { idleStacks } from './idle-stacks.ts';
import { interrupted } from './interrupted.ts';
import { kafkaTopics } from './kafka-topics.ts';
import { kubernetesTools } from './kubernetes-tools.ts';
import { lakeTables } from './lake-tables.ts';
import { leftovers } from './leftovers.ts';
import { logins } from './logins.ts';
import { loopback } from './loopback.ts';
import type { MachineCheck } from './machine.ts';
import { memory } from './memory.ts';
import { memoryBudget } from './memory-budget.ts';
import { objectStore } from './object-store.ts';
import { ports } from './ports.ts';
import { postgresSessions } from './postgres-sessions.ts';
import { processLimits } from './process-limits.ts';
import { proxy } from './proxy.ts';
import { reconcileResult } from './reconcile-result.ts';
import { registrySubjects } from './registry-subjects.ts';
import { replicationSlot } from './replication-slot.ts';
import { sealedSecrets } from './sealed-secrets.ts';
import { secretFiles } from './secret-files.ts';
import { services } from './services.ts';
import { speedCheckpoint } from './speed-checkpoint.ts';
import { speedJob } from './speed-job.ts';
import { stateFiles } from './state-files.ts';
import { supervisor } from './supervisor.ts';
import { tools } from './tools.ts';
import { umask } from './umask.ts';
import { unusedArtifacts } from './unused-artifacts.ts';
import { warehouseSchema } from './warehouse-schema.ts';

/** Every check, in the order in which they are told. */
export const checks: readonly MachineCheck[] = [
  memory,
  cores,
  disk,
  homeFilesystem,
  cgroup,
  processLimits,
  clock,
  ports,
  tools,
  containerEngine,
  kubernetesTools,
  loopback,
  proxy,
  umask,
  leftovers,
  idleStacks,
  artifacts,
  unusedArtifacts,
  stateFiles,
  interrupted,
  clusterReachable,
  clusterCertificate,
  clusterNodes,
  clusterImages,
  clusterVolumes,
  clusterPods,
  supervisor,
  services,
  memoryBudget,
  drift,
  secretFiles,
  sealedSecrets,
  answers,
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
