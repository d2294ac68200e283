import { type ArtifactName, artifactNames, type InstalledArtifact } from '../../artifacts/names.ts';

/** Where images keep what does not change while they run. */
export const imageRoot = '/opt/lambdactl';
/** Where instances keep their data, conf, run and cache. */
export const stateRoot = '/var/lib/lambdactl';
/** User and group that every container of ours runs as. */
export const imageUser = 10_001;
/** Python of Debian 12. */
export const imagePython = '/usr/bin/python3';
/** Nothing but what PYTHONPATH names is seen. */
export const pythonArguments = ['-S'] as const;

/**
 * Jars of an artifact below its root, in the order in which they are searched. A wildcard takes the jars of one directory in no certain
 * order. It does not matter: of the locked versions, what lies in two jars of one directory with different content is the API of
 * javax.activation, a package's description and two bridges to the same logging, and either will do.
 */
const classPaths: Partial<Record<ArtifactName, readonly string[]>> = {
  kafka: ['*'],
  debezium: ['debezium-connector-postgres/*'],
  // Quarkus rewrites some classes of its libraries: the rewritten ones must come first.
  registry: ['quarkus/transformed-bytecode.jar', 'quarkus/generated-bytecode.jar', 'app/*', 'lib/boot/*', 'lib/main/*'],
  objectstore: ['*'],
  spark: ['*'],
  ecj: ['*'],
  'iceberg-sink': ['*'],
  'iceberg-spark': ['*'],
  'speed-job': ['*'],
  'connect-transforms': ['*'],
};

/**
 * The artifacts as components find them in an image.
 * @param imageTag tells one version of an image from another: what must be done once a version is marked with it
 */
export function imageArtifacts(imageTag: string): ReadonlyMap<ArtifactName, InstalledArtifact> {
  return new Map(
    artifactNames.map((name) => {
      const root = `${imageRoot}/artifacts/${name}`;
      return [name, { root, classPath: (classPaths[name] ?? []).map((path) => `${root}/${path}`), key: imageTag }];
    }),
  );
}
