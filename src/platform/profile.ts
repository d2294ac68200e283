import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { usageError } from '../core/errors.ts';

const mebibytes = z.int().min(16).max(1_048_576);

const componentSchema = z.strictObject({
  /** Budget of one instance, MiB, as PSS. */
  memoryMiB: mebibytes,
  /** JVM heap of one instance, MiB; below memoryMiB. */
  heapMiB: mebibytes.optional(),
});

const deliverySchema = z.enum(['plain', 'operator']);
const dnsLabel = z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);

/** A profile after `extends` was resolved. Sizes in MiB, times in milliseconds. */
export const profileSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  description: z.string(),
  /** The machine needs this much memory in all, MiB. */
  totalMiB: mebibytes,
  /** Left to the operating system, the page cache and the user's own programs, MiB. */
  reserveMiB: mebibytes,
  minimumCores: z.number().min(1),
  minimumDiskMiB: mebibytes,
  components: z.strictObject({
    supervisor: componentSchema,
    postgres: componentSchema,
    kafka: componentSchema,
    clickhouse: componentSchema,
    spark: componentSchema,
    connect: componentSchema,
    registry: componentSchema,
    objectstore: componentSchema,
    warehouse: componentSchema,
    /** Each of its three processes. */
    airflow: componentSchema,
    /** One job of the batch layer, while it runs. */
    batch: componentSchema,
  }),
  kafka: z.strictObject({
    brokers: z.union([z.literal(1), z.literal(3)]),
    streamPartitions: z.int().min(1).max(20),
  }),
  speed: z.strictObject({
    triggerMs: z.int().min(100).max(60_000),
    maxOffsetsPerTrigger: z.int().min(1000),
    watermarkMinutes: z.int().min(1).max(1440),
    sessionTimeoutMinutes: z.int().min(1).max(1440),
    /** Spark's local[N]. */
    tasks: z.int().min(1).max(64),
    /** Also produce validated, enriched events to events.processed. */
    emitProcessed: z.boolean(),
  }),
  lake: z.strictObject({
    /** Who writes the lake: Kafka Connect's Iceberg sink, or a second query in the speed layer's JVM (docs/adr/0013). */
    archive: z.enum(['connect', 'spark']),
    /** Time between two commits to the Iceberg tables. */
    commitIntervalMs: z.int().min(1000).max(600_000),
    /** Tasks of the sink connector. */
    sinkTasks: z.int().min(1).max(20),
    /** Snapshots older than this are expired by maintenance, but the last five stay. */
    keepSnapshotsHours: z.int().min(1),
    /** Where the lake lies: the stack's own object store, or a bucket of a real account. */
    storage: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('embedded') }),
      z.strictObject({
        kind: z.literal('s3'),
        bucket: z.string().min(3),
        region: z.string(),
        prefix: z.string().default(''),
      }),
    ]),
  }),
  /** Kafka Connect plugins of the user's own, e.g. a sink of raw files to S3 (docs/lake.md). */
  connect: z.strictObject({
    /** Directory of plugins, one a subdirectory; absolute. */
    pluginPath: z.string().startsWith('/').optional(),
    /** Further connectors by name, as Connect's REST API takes them. Secrets by ${env:NAME} only. */
    connectors: z.record(z.string().regex(/^[a-z][a-z0-9.-]*$/), z.record(z.string(), z.string())),
  }),
  warehouse: z.discriminatedUnion('target', [
    z.strictObject({ target: z.literal('embedded') }),
    z.strictObject({
      target: z.literal('snowflake'),
      account: z.string().min(1),
      user: z.string().min(1),
      role: z.string().min(1),
      /** Virtual warehouse. */
      warehouse: z.string().min(1),
      database: z.string().default('LAMBDA'),
      /** Storage integration through which Snowflake reads the stage's bucket. */
      storageIntegration: z.string().optional(),
    }),
  ]),
  batch: z.strictObject({
    /** Spark's local[N]. */
    tasks: z.int().min(1).max(64),
  }),
  reconcile: z.strictObject({
    /** Consistency in percent from which two layers are taken to agree. */
    threshold: z.number().min(0).max(100),
    /** A date that still differs after this raises the alert. */
    slaHours: z.int().min(1),
  }),
  /** What `bench` must reach to exit with 0; what is lost, doubled or alien fails it in any case. Latencies in ms. */
  bench: z.strictObject({
    speed: z.strictObject({ p95Ms: z.number().positive(), p99Ms: z.number().positive() }),
    query: z.strictObject({ p95Ms: z.number().positive() }),
    cdc: z.strictObject({ p99Ms: z.number().positive() }),
    batch: z.strictObject({ totalMs: z.number().positive() }),
    /** Records/s that the generator must bring into Kafka. */
    ingest: z.strictObject({ minimumRate: z.number().positive() }),
  }),
  /** Where the stack's programs speak TLS with each other: everywhere is also on one machine, by loopback (docs/adr/0025). */
  tls: z.strictObject({ use: z.enum(['none', 'cluster', 'everywhere']) }).default({ use: 'none' }),
  /** Of the kubernetes runtime only (docs/kubernetes.md). */
  kubernetes: z.strictObject({
    /**
     * plain: our own StatefulSet of the same program, settings and versions that the embedded runtime starts.
     * operator: the upstream Helm chart or operator, and custom resources.
     */
    delivery: z.strictObject({
      postgres: deliverySchema,
      kafka: deliverySchema,
      connect: deliverySchema,
      clickhouse: deliverySchema,
      spark: deliverySchema,
      airflow: deliverySchema,
    }),
    namespaces: z.strictObject({ data: dnsLabel, processing: dnsLabel, monitoring: dnsLabel }),
    images: z.strictObject({
      /** Put before the name of every image of ours, e.g. "registry.example.com/lambdactl". */
      prefix: z.string().min(1),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
      /** Whole references that replace ours or a chart's, by component or release name. */
      overrides: z.record(z.string(), z.string()),
    }),
    /** Directories or addresses that replace a chart's, by release name. */
    charts: z.record(z.string(), z.string()),
    /** The cluster's default one when absent. */
    storageClass: z.string().optional(),
    /** Labels of the nodes that pods may run on; all nodes when absent. */
    nodeSelector: z.record(z.string(), z.string()).optional(),
    /** Secrets of type kubernetes.io/dockerconfigjson in both namespaces, for a registry that asks who pulls. */
    imagePullSecrets: z.array(dnsLabel).optional(),
    /** Instances of PostgreSQL where CloudNativePG runs it: one, which may be written, and standbys. */
    postgresInstances: z.int().min(1).max(5).optional(),
    /** Git repository of the DAGs where Airflow's chart runs it, e.g. "https://git.example.com/dags.git"; the stack's own when absent. */
    dagRepository: z.string().min(1).optional(),
    /** Size of each component's volume, GiB. */
    volumesGiB: z.record(z.string(), z.int().min(1)),
    /** Nodes besides the control plane in a cluster that kind makes; with 0 the control plane does the work. */
    kindWorkers: z.int().min(0).max(10),
    /** Image of kind's nodes; kind's own choice when absent. */
    kindNodeImage: z.string().optional(),
    /** Prometheus, dashboards and rules. */
    monitoring: z.boolean(),
  }),
  alerts: z.strictObject({
    /** Failure callbacks and alerts are posted here as JSON. */
    webhook: z.url().optional(),
  }),
});
export type Profile = z.infer<typeof profileSchema>;

export interface ProfileSource {
  /** Shown in messages. */
  path: string;
  text: string;
}

/** @param from path of the file that extends `ref`, null for the first */
export type LoadProfile = (ref: string, from: string | null) => Promise<ProfileSource>;

/**
 * Resolves `extends` and validates.
 * @param ref name of a shipped profile or path of a file, handed to `load`
 * @throws LambdaError PROFILE_INVALID naming file, line and key; whatever `load` throws
 */
export async function resolveProfile(ref: string, load: LoadProfile): Promise<Profile> {
  const layers = await readLayers(ref, load);
  const merged = layers.reduceRight<Record<string, unknown>>((base, layer) => mergeObjects(base, layer.value), {});
  const result = profileSchema.safeParse(merged);
  const leaf = layers[0];
  if (!result.success || leaf === undefined) {
    const problems = (result.error?.issues ?? []).map((issue) => describe(issue, layers));
    throw invalid(`Profile ${leaf?.source.path ?? ref} is not valid:\n${problems.join('\n')}`, { problems });
  }
  const { totalMiB } = result.data;
  const budgetMiB = memoryBudgetMiB(result.data);
  if (budgetMiB + result.data.reserveMiB > totalMiB) {
    throw invalid(
      `Profile ${leaf.source.path}: components (${budgetMiB} MiB) and reserveMiB (${result.data.reserveMiB}) add up to more than totalMiB (${totalMiB}).`,
    );
  }
  return result.data;
}

/** Sum of the budgets of all instances, MiB; of the named components only, when given (the supervisor always counts; jobs with the warehouse). */
export function memoryBudgetMiB(profile: Profile, components?: readonly string[]): number {
  return Object.entries(profile.components)
    .filter(([name]) => {
      if (components === undefined || name === 'supervisor') return true;
      return components.includes(name === 'batch' ? 'warehouse' : name);
    })
    .reduce((sum, [name, { memoryMiB }]) => sum + memoryMiB * instancesOf(name, profile), 0);
}

/** Processes of Airflow: api-server, scheduler, dag-processor. */
const airflowProcesses = 3;

function instancesOf(component: string, profile: Profile): number {
  if (component === 'kafka') return profile.kafka.brokers;
  return component === 'airflow' ? airflowProcesses : 1;
}

interface Layer {
  source: ProfileSource;
  value: Record<string, unknown>;
  lineOf(path: readonly PropertyKey[]): number | null;
}

async function readLayers(ref: string, load: LoadProfile): Promise<Layer[]> {
  const layers: Layer[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = ref; next !== undefined; ) {
    const source = await load(next, layers.at(-1)?.source.path ?? null);
    if (seen.has(source.path)) throw invalid(`Profile ${source.path} extends itself.`);
    seen.add(source.path);
    const { layer, parent } = parseLayer(source);
    layers.push(layer);
    next = parent;
  }
  return layers;
}

function parseLayer(source: ProfileSource): { layer: Layer; parent: string | undefined } {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax !== undefined) throw invalid(`Profile ${source.path}: ${syntax.message}`);
  const value: unknown = document.toJS();
  if (!isRecord(value)) throw invalid(`Profile ${source.path} is not a YAML mapping.`);
  const { extends: parent, ...rest } = value;
  if (parent !== undefined && typeof parent !== 'string') {
    throw invalid(`Profile ${source.path}: "extends" must name a profile.`);
  }
  const lineOf = (path: readonly PropertyKey[]) => {
    // The key itself, not its value: for an unknown key that is what the reader looks for.
    const parentNode: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
    const items = isRecord(parentNode) && Array.isArray(parentNode.items) ? parentNode.items : [];
    for (const item of items) {
      const key: unknown = isRecord(item) ? item.key : null;
      if (isRecord(key) && key.value === path.at(-1) && Array.isArray(key.range)) {
        return lines.linePos(Number(key.range[0])).line;
      }
    }
    return null;
  };
  return { layer: { source, value: rest, lineOf }, parent };
}

function describe(issue: z.core.$ZodIssue, layers: readonly Layer[]): string {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  for (const { source, lineOf } of layers) {
    const line = lineOf(path);
    if (line !== null) return `  ${source.path}:${line}: ${path.join('.')}: ${issue.message}`;
  }
  return `  ${path.join('.')}: ${issue.message}`;
}

function mergeObjects(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? mergeObjects(below, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, details: Record<string, unknown> = {}) {
  return usageError(message, {
    code: 'PROFILE_INVALID',
    details,
    actions: ['Compare with profiles/lite.yaml; every key is described in docs/profiles.md.'],
  });
}
