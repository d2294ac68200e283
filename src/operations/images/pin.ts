import { stringify } from 'yaml';
import { imageParts, upstreamImages } from '../../components/operators/charts.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { ImagesPinReport, PinnedImage } from '../../core/images-report.ts';
import type { Profile } from '../../platform/profile.ts';
import { digestOf } from '../../probes/image-registry.ts';
import { writeAtomic } from '../../system/files.ts';
import { registryLogin } from './registry-login.ts';

export interface PinRequest {
  profile: Profile;
  /** File that the fragment is written to; null: it is only in the report. */
  output: string | null;
}

/**
 * Asks the registries which digests the tags of all upstream images have now that the profile's rendering names, and writes them as overrides of a
 * profile. All or nothing: a fragment that pins some would look as if it pinned all.
 * @throws LambdaError IMAGE_REGISTRY_UNREACHABLE, IMAGE_REGISTRY_LOGIN, IMAGE_UNKNOWN, IMAGE_REGISTRY_ANSWER
 */
export async function pinImages({ profile, output }: PinRequest, context: OperationContext): Promise<ImagesPinReport> {
  const { signal } = context;
  const images: PinnedImage[] = [];
  for (const { name, reference } of upstreamImages(profile)) {
    const { registry, repository, tag } = imageParts(reference);
    if (reference.includes('@')) {
      images.push({ name, reference, pinned: reference });
      continue;
    }
    const pinned = await step(context, { id: `pin/${name}`, title: `Ask for ${reference}` }, async () => {
      const digest = await digestOf(
        hubNamed({ registry, repository, tag }),
        await registryLogin(registry, signal),
        signal,
      );
      return {
        value: `${reference}${reference.endsWith(`:${tag}`) ? '' : `:${tag}`}@${digest}`,
        detail: digest.slice(0, 19),
      };
    });
    images.push({ name, reference, pinned });
  }
  const fragment = fragmentOf(profile, images);
  if (output !== null) await writeAtomic(output, fragment, { mode: 0o644 });
  return { profile: profile.name, output, images, fragment };
}

/** Docker Hub keeps what has no owner under "library". */
const hubNamed = (image: { registry: string; repository: string; tag: string }) =>
  image.registry === 'docker.io' && !image.repository.includes('/')
    ? { ...image, repository: `library/${image.repository}` }
    : image;

function fragmentOf({ name }: Profile, images: readonly PinnedImage[]): string {
  const overrides = Object.fromEntries(images.map((each) => [each.name, each.pinned]));
  const head = `# Digests of the upstream images of profile ${name}, by \`lambdactl images pin\`: for \`render --values\`, or a profile of yours.\n`;
  return `${head}${stringify({ kubernetes: { images: { overrides } } }, { lineWidth: 0 })}`;
}
