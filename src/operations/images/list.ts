import { messageOf } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { ImagesListReport } from '../../core/images-report.ts';
import type { Profile } from '../../platform/profile.ts';
import { type ContainerEngine, containerEngine, type EngineName } from '../../runtimes/kubernetes/engine.ts';
import { imagesInCluster } from '../../runtimes/kubernetes/kind-load.ts';
import { projectRoot, type StackRef } from '../stack.ts';
import { inEngine, nameIn } from './engine-images.ts';
import { kindClusterOf, openCluster } from './load.ts';
import { imagePlans, imageReference } from './names.ts';
import { imageTag } from './tag.ts';

export interface ListRequest extends StackRef {
  profile: Profile;
  engine?: EngineName | undefined;
}

/** Every image of ours, and where it is. An engine or a cluster that is not there is told, not thrown. */
export async function listImages(request: ListRequest, context: OperationContext): Promise<ImagesListReport> {
  const { profile } = request;
  const tag = await imageTag({ projectRoot });
  const engine = await containerEngine({ name: request.engine, signal: context.signal });
  const images = imagePlans().map(({ component }) => ({ component, ...imageReference(profile, component, tag) }));
  const found = 'reason' in engine ? null : await sizes(engine, images, context);
  const cluster = await inStacksCluster(request, images, engine, context);
  return {
    tag,
    engine: 'reason' in engine ? null : `${engine.kind} ${engine.version}`,
    engineReason: 'reason' in engine ? engine.reason : null,
    cluster: 'reason' in cluster ? null : kindClusterOf(request.stack),
    clusterReason: 'reason' in cluster ? cluster.reason : null,
    images: images.map((image, index) => ({
      ...image,
      bytes: found?.[index]?.bytes ?? null,
      id: found?.[index]?.id ?? null,
      digests: found?.[index]?.digests ?? [],
      inEngine: found === null ? null : found[index] !== null,
      inCluster: 'reason' in cluster ? null : cluster.present.has(image.reference),
    })),
  };
}

function sizes(engine: ContainerEngine, images: readonly { reference: string }[], { signal }: OperationContext) {
  return Promise.all(images.map(({ reference }) => inEngine(engine, reference, signal)));
}

async function inStacksCluster(
  { home, stack }: ListRequest,
  images: readonly { reference: string }[],
  engine: ContainerEngine | { reason: string },
  context: OperationContext,
): Promise<{ present: ReadonlySet<string> } | { reason: string }> {
  if ('reason' in engine) return { reason: 'no container engine answers' };
  try {
    const work = await openCluster({ home, cluster: kindClusterOf(stack) }, context);
    const names = images.map(({ reference }) => nameIn(work.engine, reference));
    const there = await imagesInCluster(work, names);
    return {
      present: new Set(images.map(({ reference }) => reference).filter((_, index) => there.has(names[index] ?? ''))),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    return { reason: messageOf(error) };
  }
}
