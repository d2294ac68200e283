import { join } from 'node:path';
import { lookUpPython } from '../../artifacts/python.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { ImageAction, ImagesBuildReport } from '../../core/images-report.ts';
import type { Profile } from '../../platform/profile.ts';
import type { ContainerEngine } from '../../runtimes/kubernetes/engine.ts';
import { imageUser } from '../../runtimes/kubernetes/image-layout.ts';
import { engine as runEngine } from '../../runtimes/kubernetes/kind-nodes.ts';
import { loadTemplates } from '../../runtimes/templates.ts';
import { resolveHome } from '../../system/paths.ts';
import { platformName, removeTree } from '../../system/store-files.ts';
import { artifactStore, packageVersion, projectRoot, type StackRef } from '../stack.ts';
import { buildFailed, otherPlatform } from './build-errors.ts';
import { makeBuildContext } from './context-directory.ts';
import { inEngine, nameIn } from './engine-images.ts';
import { type ImagePlan, imagePlans, imageReference } from './names.ts';
import { imageTag } from './tag.ts';

export interface BuildRequest extends StackRef {
  profile: Profile;
  engine: ContainerEngine;
  /** All when empty. */
  components: readonly string[];
  /** Debian's with this machine's version of Python when absent. */
  base?: string | undefined;
  /** "linux/amd64"; only the machine's own can be built. */
  platform?: string | undefined;
  /** Builds what is there as well. */
  force?: boolean;
}

/** Bases whose /usr/bin/python3 is of the version for which packages are installed. */
const bases: Readonly<Record<string, string>> = {
  '3.11': 'debian:bookworm-slim',
  '3.12': 'ubuntu:24.04',
  '3.13': 'debian:trixie-slim',
};
const defaultBase = 'debian:bookworm-slim';

/** Handed to the build where this machine has them; engines keep them out of the image. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/**
 * Builds the images that the engine does not have, one after the other, installing the artifacts that they lack. An image is known by its
 * tag, which names its content; one that was built on another base than the one asked for is built again.
 * @throws LambdaError PLATFORM_UNSUPPORTED, UNKNOWN_COMPONENT, IMAGE_BUILD_FAILED, whatever an installation throws
 */
export async function buildImages(request: BuildRequest, context: OperationContext): Promise<ImagesBuildReport> {
  const { engine, profile } = request;
  const platform = platformFor(request);
  const python = (await lookUpPython()).version;
  const base = request.base ?? bases[python] ?? defaultBase;
  const tag = await imageTag({ projectRoot });
  const report: ImagesBuildReport = { tag, base, platform, engine: engine.kind, images: [] };
  for (const plan of imagePlans(request.components)) {
    const { reference, own } = imageReference(profile, plan.component, tag);
    const told = (action: ImageAction, bytes: number | null, elapsedMs: number) =>
      report.images.push({ component: plan.component, reference, action, bytes, elapsedMs });
    if (!own) {
      told('override', null, 0);
      continue;
    }
    const present = await inEngine(engine, reference, context.signal);
    const asAsked = present !== null && (request.base === undefined || present.base === request.base);
    if (asAsked && request.force !== true) {
      told('present', present.bytes, 0);
      continue;
    }
    const started = performance.now();
    await buildOne({ ...request, plan, reference, base, python, platform }, context);
    const built = await inEngine(engine, reference, context.signal);
    told('built', built?.bytes ?? null, performance.now() - started);
  }
  return report;
}

/** @throws LambdaError PLATFORM_UNSUPPORTED */
function platformFor({ platform, engine }: BuildRequest): string {
  const [system = '', cpu = ''] = platformName().split('-');
  const own = `${system}/${{ x64: 'amd64', arm64: 'arm64' }[cpu] ?? cpu}`;
  const asked = platform ?? `linux/${engine.architecture}`;
  if (asked !== own) throw otherPlatform(asked, own);
  return own;
}

interface OneBuild extends BuildRequest {
  plan: ImagePlan;
  reference: string;
  base: string;
  python: string;
  platform: string;
}

async function buildOne(build: OneBuild, context: OperationContext): Promise<void> {
  const { plan, reference, base, python, engine } = build;
  const home = resolveHome(build.home);
  const artifacts = await artifactStore(build).ensure(plan.artifacts, context);
  await step(context, { id: `image/${plan.component}`, title: `Build ${reference}` }, async () => {
    const directory = join(home, 'images', `${plan.component}.context`);
    try {
      await makeBuildContext({ directory, plan, artifacts, dockerfile: await dockerfileOf(build) });
      const { stdout, stderr, failure } = await runEngine(engine, buildArguments(build, directory), context.signal);
      const output = `${stdout}\n${stderr}`;
      if (failure !== undefined) throw buildFailed({ reference, base, python }, output);
    } finally {
      await removeTree(directory);
    }
    return { value: undefined, detail: `on ${base}` };
  });
}

export async function dockerfileOf({ plan, base, python }: OneBuild): Promise<string> {
  const template = await loadTemplates(join(projectRoot, 'templates'));
  const text = template('images/Dockerfile.eta', {
    component: plan.component,
    base,
    packages: plan.packages,
    python: plan.compiledPython ? python : '',
    artifacts: plan.artifacts,
    cli: plan.cli,
    user: imageUser,
    version: await packageVersion(),
  });
  // Lines that held nothing but a tag of the template would end a continued command.
  return text.replaceAll(/\n(?:[ \t]*\n)+/g, '\n');
}

function buildArguments({ engine, reference, base }: OneBuild, directory: string): string[] {
  const proxies = proxyVariables.filter((name) => process.env[name]).flatMap((name) => ['--build-arg', name]);
  const name = nameIn(engine, reference);
  const file = join(directory, 'Dockerfile');
  return ['build', '--tag', name, '--build-arg', `BASE=${base}`, ...proxies, '--file', file, directory];
}
