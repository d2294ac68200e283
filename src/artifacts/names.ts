/** What the platform is made of. Types only beside the list, so that components may import this file. */

export const artifactNames = [
  'jre',
  'postgres',
  'clickhouse',
  'kafka',
  'debezium',
  'registry',
  'objectstore',
  'spark',
  'ecj',
  'iceberg-sink',
  'iceberg-spark',
  'speed-job',
  'connect-transforms',
  'uv',
  'warehouse-python',
  'airflow-python',
] as const;

/**
 * Names in locks/artifacts.json; `speed-job` (every Spark job) and `connect-transforms`, which are built from dags-repo/spark/src and
 * dags-repo/connect/src; and `*-python`, directories of packages locked in locks/python/.
 */
export type ArtifactName = (typeof artifactNames)[number];

export interface InstalledArtifact {
  /**
   * Absolute directory. Of `jre` it is the Java home, of `debezium` a plugin.path, of `postgres` the parent of bin and lib,
   * of `*-python` the parent of site-packages.
   */
  root: string;
  /** Jars in a fixed order, absolute; empty where the artifact is no set of jars. */
  classPath: readonly string[];
  /** Tells one installation from another where the directory's name does not. */
  key?: string;
}

/** What must be installed for an artifact to be made. */
export const artifactNeeds: Partial<Record<ArtifactName, readonly ArtifactName[]>> = {
  'speed-job': ['jre', 'ecj', 'spark', 'iceberg-spark'],
  'connect-transforms': ['jre', 'ecj', 'kafka', 'iceberg-sink'],
  'warehouse-python': ['uv'],
  'airflow-python': ['uv'],
};

/** The names and what they need, each once, needs first. */
export function withNeeds(names: readonly ArtifactName[]): ArtifactName[] {
  return [...new Set(names.flatMap((name) => [...(artifactNeeds[name] ?? []), name]))];
}
