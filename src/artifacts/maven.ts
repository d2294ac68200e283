import { createRequire } from 'node:module';

// CommonJS with a `default` that Node and vitest unwrap differently; required, it is the same in both.
const require = createRequire(import.meta.url);
const mvn: { default: (artifact: Record<string, string>) => Promise<string> } = require('mvn-artifact-url');

export interface Coordinate {
  group: string;
  artifact: string;
  extension: string;
  classifier: string | undefined;
  version: string;
  /** Below a repository's base. */
  path: string;
}

/** Of "group:artifact:extension[:classifier]:version", the form Maven itself prints. */
export function parseCoordinate(text: string): Coordinate {
  const parts = text.split(':');
  const [group = '', artifact = '', extension = ''] = parts;
  const version = parts.at(-1) ?? '';
  const classifier = parts.length > 4 ? parts[3] : undefined;
  const file = `${artifact}-${version}${classifier === undefined ? '' : `-${classifier}`}.${extension}`;
  const path = [...group.split('.'), artifact, version, file].join('/');
  return { group, artifact, extension, classifier, version, path };
}

/** Base of the default repository, ending in "/"; mvn-artifact-url knows it, so no host is named here. */
export async function defaultMavenBase(): Promise<string> {
  const { path, group: groupId, artifact: artifactId, version, extension } = parseCoordinate('any:any:jar:1');
  const url = await mvn.default({ groupId, artifactId, version, extension });
  return url.slice(0, -path.length);
}
