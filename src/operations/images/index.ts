import type { OperationContext } from '../../core/events.ts';
import type {
  ImagesBuildReport,
  ImagesListReport,
  ImagesLoadReport,
  ImagesPinReport,
} from '../../core/images-report.ts';
import type { Profile } from '../../platform/profile.ts';
import { containerEngine, type EngineName } from '../../runtimes/kubernetes/engine.ts';
import { noEngine } from '../../runtimes/kubernetes/kind-errors.ts';
import { loadProfile } from '../profiles.ts';
import { openStack, type StackRef } from '../stack.ts';
import { buildImages } from './build.ts';
import { listImages } from './list.ts';
import { kindClusterOf, loadImages } from './load.ts';
import { pinImages } from './pin.ts';

/** As the commands take them. */
interface ImagesRequest extends StackRef {
  /** Name or file; the stack's own, else lite, when absent. */
  profile: string | undefined;
}

interface BuildFlags {
  components: readonly string[];
  base: string | undefined;
  force: boolean;
}

/** @throws LambdaError NO_CONTAINER_ENGINE, what `buildImages` throws */
export async function imagesBuild(
  request: ImagesRequest & BuildFlags & { engine: EngineName | undefined; platform: string | undefined },
  context: OperationContext,
): Promise<ImagesBuildReport> {
  const profile = await profileOf(request);
  const engine = await containerEngine({ name: request.engine, signal: context.signal });
  if ('reason' in engine) throw noEngine(engine.reason);
  return buildImages({ ...request, profile, engine }, context);
}

/** @throws LambdaError NO_CONTAINER_ENGINE, CLUSTER_MISSING, what `loadImages` throws */
export async function imagesLoad(
  request: ImagesRequest & BuildFlags & { confirm(question: string): Promise<boolean> },
  context: OperationContext,
): Promise<ImagesLoadReport> {
  return loadImages({ ...request, profile: await profileOf(request), cluster: kindClusterOf(request.stack) }, context);
}

export async function imagesList(
  request: ImagesRequest & { engine: EngineName | undefined },
  context: OperationContext,
): Promise<ImagesListReport> {
  return listImages({ ...request, profile: await profileOf(request) }, context);
}

/** @throws LambdaError what `pinImages` throws */
export async function imagesPin(
  request: ImagesRequest & { output: string | null },
  context: OperationContext,
): Promise<ImagesPinReport> {
  return pinImages({ profile: await profileOf(request), output: request.output }, context);
}

async function profileOf({ profile, ...ref }: ImagesRequest): Promise<Profile> {
  return profile === undefined ? ((await openStack(ref)).profile ?? loadProfile('lite')) : loadProfile(profile);
}
