import { artifactStore } from './stack.ts';

/** @param lambdactl version of the package */
export async function versions(lambdactl: string) {
  const artifacts = await artifactStore({ home: undefined, stack: 'default' }).list();
  return {
    lambdactl,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    artifacts: artifacts.map(({ name, version, kind, installed }) => ({ name, version, kind, installed })),
  };
}
