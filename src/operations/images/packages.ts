import { join } from 'node:path';
import { readIfExists } from '../../system/files.ts';
import { namesIn } from '../../system/store-files.ts';

/** Builds a clone into a package; an image holds what was built. */
const onlyForBuilding = /^(?:typescript|@typescript\/.*)$/;
/** Of the Node that is brought along, all but the program is for people who compile against it. */
const bundledNode = /^node-(?:linux|darwin|win)-/;

/**
 * Whether a path below node_modules belongs into an image: packages that lambdactl needs to run, by the lock file where there is one.
 * A package that was installed without one has no others.
 */
export async function runtimePackages(projectRoot: string): Promise<(path: string) => boolean> {
  const packages = await lockedPackages(projectRoot);
  return (path) => {
    const [scope = '', inner] = path.split('/');
    if (scope.startsWith('.')) return false;
    // A scope alone is a directory of packages, some of which may be wanted.
    if (scope.startsWith('@') && inner === undefined) return packages === null || hasScope(packages, scope);
    const name = scope.startsWith('@') ? `${scope}/${inner ?? ''}` : scope;
    if (onlyForBuilding.test(name) || packages?.has(name) === false) return false;
    const inside = path.slice(name.length + 1);
    return !bundledNode.test(name) || ['', 'bin', 'bin/node', 'package.json', 'LICENSE'].includes(inside);
  };
}

const hasScope = (packages: ReadonlySet<string>, scope: string): boolean =>
  [...packages].some((name) => name.startsWith(`${scope}/`) && !onlyForBuilding.test(name));

/** Names of the packages that are not for development alone; null without a lock file. */
async function lockedPackages(projectRoot: string): Promise<ReadonlySet<string> | null> {
  const text = await readIfExists(join(projectRoot, 'package-lock.json'));
  if (text === null) return null;
  const lock: { packages?: Record<string, { dev?: boolean }> } = JSON.parse(text);
  const present = await namesIn(join(projectRoot, 'node_modules'));
  const names = Object.entries(lock.packages ?? {}).flatMap(([path, { dev }]) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    return name === undefined || dev === true ? [] : [name];
  });
  return present.length === 0 ? null : new Set(names);
}
