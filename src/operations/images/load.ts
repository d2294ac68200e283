import type { OperationContext } from '../../core/events.ts';
import { step } from '../../core/events.ts';
import type { ImagesLoadReport } from '../../core/images-report.ts';
import { type KindWork, open } from '../../runtimes/kubernetes/kind.ts';
import { imagesInCluster, loadIntoKind } from '../../runtimes/kubernetes/kind-load.ts';
import { resolveHome } from '../../system/paths.ts';
import { projectRoot } from '../stack.ts';
import { type BuildRequest, buildImages } from './build.ts';
import { nameIn } from './engine-images.ts';

export interface LoadRequest extends Omit<BuildRequest, 'engine'> {
  /** Name of the kind cluster. */
  cluster: string;
  confirm?(question: string): Promise<boolean>;
}

/** Name of the kind cluster that `up --runtime kind` makes for a stack. */
export const kindClusterOf = (stack: string): string => `lambdactl-${stack}`;

/** @throws LambdaError NO_CONTAINER_ENGINE, TOOL_MISSING, TOOL_VERSION */
export function openCluster(
  { home, cluster, confirm }: Pick<LoadRequest, 'home' | 'cluster' | 'confirm'>,
  context: OperationContext,
): Promise<KindWork> {
  const place = { name: cluster, home: resolveHome(home), projectRoot, ...(confirm === undefined ? {} : { confirm }) };
  return open(place, context);
}

/**
 * Brings the images into the stack's kind cluster: builds what the engine lacks and copies what the nodes lack. `up --runtime kind` does the
 * same before it starts anything. Idempotent.
 * @throws LambdaError CLUSTER_MISSING, KIND_NAME_TAKEN, IMAGE_LOAD_FAILED, what `buildImages` throws
 */
export async function loadImages(request: LoadRequest, context: OperationContext): Promise<ImagesLoadReport> {
  const work = await openCluster(request, context);
  const { engine } = work;
  const build = await buildImages({ ...request, engine }, context);
  const wanted = build.images
    .filter(({ action }) => action !== 'override')
    .map(({ reference }) => nameIn(engine, reference));
  const fresh = build.images
    .filter(({ action }) => action === 'built')
    .map(({ reference }) => nameIn(engine, reference));
  const there = await imagesInCluster(work, wanted);
  // Built on another base, an image has the name of the one before.
  const present = wanted.filter((reference) => there.has(reference) && !fresh.includes(reference));
  const missing = wanted.filter((reference) => !present.includes(reference));
  // One by one: an archive of all of them would take their sum on the disk for temporary files.
  for (const reference of missing) {
    await step(context, { id: `load/${reference}`, title: `Load ${reference}` }, async () => {
      await loadIntoKind(work, [reference]);
      return { value: undefined };
    });
  }
  return { cluster: request.cluster, build, loaded: missing, present };
}
