import { resolve } from 'node:path';
import { catalogue } from '../components/catalogue.ts';
import type { ComponentDefinition } from '../components/contract.ts';
import { usageError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import type { RenderReport } from '../core/reports.ts';
import type { Profile } from '../platform/profile.ts';
import { authorityId, usesTls } from '../platform/tls.ts';
import { imageArtifacts } from '../runtimes/kubernetes/image-layout.ts';
import { type ClusterRenderOptions, renderCluster } from '../runtimes/kubernetes/render.ts';
import { requestedMiB } from '../runtimes/kubernetes/requests.ts';
import { loadTemplates } from '../runtimes/templates.ts';
import { withLock } from '../state/lock.ts';
import { createStackDirs, stackPaths } from '../state/paths.ts';
import type { Credentials } from '../state/secrets.ts';
import { errnoOf } from '../system/files.ts';
import { resolveHome } from '../system/paths.ts';
import { certificateNeeds, ensureCredentials } from './credentials.ts';
import { imageTag } from './images/tag.ts';
import { loadProfile, loadProfileFor } from './profiles.ts';
import { filesOf, isSecret, type Part, partsOf, removeOthers, streamOf, writeFiles } from './render/files.ts';
import { nameOf } from './render/yaml.ts';
import { componentName } from './selection.ts';
import { projectRoot, type StackRef } from './stack.ts';

export interface RenderRequest extends StackRef {
  /** Shipped profile or path. */
  profile: string;
  /** Shipped values or path, laid over the profile. */
  values: string | undefined;
  /** Directory, or "-" for one stream of YAML. */
  output: string;
  /** Only these; all when empty. */
  components: readonly string[];
  withSecrets: boolean;
  /** Tag of our images; what `images build` would give them when absent. */
  imageTag: string | undefined;
}

/**
 * The whole stack as plain YAML and Helm values. Needs no cluster, no installed artifact and no stack; with secrets, those of the stack are
 * taken, and made first where it has none.
 * @throws LambdaError UNKNOWN_PROFILE, UNKNOWN_VALUES, PROFILE_INVALID, UNKNOWN_COMPONENT, ACCOUNT_MISSING, BAD_TAG, BAD_OUTPUT, BAD_STACK_NAME, DISK_FULL, HOME_NOT_WRITABLE
 */
export async function render(request: RenderRequest, context: OperationContext): Promise<RenderReport> {
  const { values } = request;
  // Its name becomes a label.
  stackPaths(resolveHome(request.home), request.stack);
  const tag = request.imageTag === undefined ? await imageTag({ projectRoot }) : checkedTag(request.imageTag);
  const profile = await (values === undefined ? loadProfile(request.profile) : loadProfileFor(request.profile, values));
  const chosen = request.components.map(componentName);
  const credentials = request.withSecrets ? await stackCredentials(request, profile) : await placeholders(profile);
  context.signal.throwIfAborted();
  const cluster = renderCluster(await optionsFor(request.stack, profile, credentials, tag));
  const parts = partsOf(cluster, chosen);
  const common = {
    stack: request.stack,
    profile: profile.name,
    values: values ?? null,
    imageTag: tag,
    objects: countKinds(parts),
    requestedMiB: requestedMiB(parts.flatMap(({ objects }) => objects)),
    releases: parts.flatMap(({ releases }) =>
      releases.map(({ name, namespace, chart, version }) => ({ name, namespace, chart, version })),
    ),
    secretsLeftOut: request.withSecrets ? [] : parts.flatMap(({ objects }) => objects.filter(isSecret).map(nameOf)),
  };
  if (request.output === '-') {
    return { ...common, directory: null, files: [], removed: [], yaml: streamOf(parts, request.withSecrets) };
  }
  const directory = resolve(request.output);
  const whole = chosen.length === 0;
  const files = filesOf(parts, { withSecrets: request.withSecrets, whole });
  await writeFiles(directory, files).catch((error: unknown) => {
    throw errnoOf(error) === 'EEXIST' ? badOutput(request.output, error) : error;
  });
  const removed = whole ? await removeOthers(directory, files) : [];
  return { ...common, directory, files: files.map(({ path, objects }) => ({ path, objects })), removed, yaml: null };
}

const badOutput = (output: string, cause: unknown) =>
  usageError(`--output ${output} is a file.`, {
    code: 'BAD_OUTPUT',
    actions: ['Name a directory, which is made where there is none, or "-" for one stream of YAML.'],
    cause,
  });

function checkedTag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  throw usageError(`"${text}" is no tag of an image.`, {
    code: 'BAD_TAG',
    actions: ['Give up to 128 letters, digits, "_", "." and "-", e.g. --image-tag 1.4.0.'],
  });
}

async function optionsFor(
  stack: string,
  profile: Profile,
  credentials: Credentials,
  tag: string,
): Promise<ClusterRenderOptions> {
  return {
    stack,
    profile,
    components: catalogue,
    credentials,
    artifacts: imageArtifacts(tag),
    projectRoot,
    template: await loadTemplates(`${projectRoot}/templates`),
    imageTag: tag,
    // Users come by a forwarded port or by an ingress of their own; only a cluster that lambdactl makes has ports of its nodes mapped.
    outside: null,
    nodePorts: false,
  };
}

/** The Secrets that `render` leaves out, as they must be in the cluster. @param credentials all that the profile needs */
export async function secretsOfCluster(stack: string, profile: Profile, credentials: Credentials) {
  // No Secret depends on the tag: what is sealed stays as it is when images change.
  const cluster = renderCluster(await optionsFor(stack, profile, credentials, 'sealed'));
  return partsOf(cluster, []).flatMap(({ objects }) => objects.filter(isSecret));
}

const wishFor = (profile: Profile) => ({ profile, components: catalogue, runtime: 'kubernetes' as const });

const needs = catalogue.flatMap((definition: ComponentDefinition) => definition.credentials);
/** Credentials of accounts, which the user brings. */
const accounts = ['account.s3', 'account.snowflake'] as const;

/** What is not written anyway: it stands for the secrets, so that every object that would hold one is known. */
async function placeholders(profile: Profile): Promise<Credentials> {
  const certificates = usesTls(profile, 'kubernetes')
    ? [authorityId, ...(await certificateNeeds(wishFor(profile))).map(({ id }) => id)]
    : [];
  const generated = needs.map(({ id, user }) => [id, { user, secret: `secret-of-${id}` }] as const);
  const brought = accounts.map((id) => [id, { user: `user-of-${id}`, secret: `secret-of-${id}` }] as const);
  const issued = certificates.map((id) => [id, { user: id, secret: `secret-of-${id}` }] as const);
  return Object.fromEntries([...generated, ...brought, ...issued]);
}

async function stackCredentials({ home, stack }: StackRef, profile: Profile): Promise<Credentials> {
  const paths = stackPaths(resolveHome(home), stack);
  await createStackDirs(paths);
  const credentials = await withLock(paths.lockDir, { command: 'lambdactl render' }, () =>
    ensureCredentials(paths, wishFor(profile)),
  );
  const wanted = [
    ...(profile.lake.storage.kind === 's3' ? (['s3'] as const) : []),
    ...(profile.warehouse.target === 'snowflake' ? (['snowflake'] as const) : []),
  ];
  for (const account of wanted) {
    if (credentials[`account.${account}`] !== undefined) continue;
    throw usageError(
      `Stack "${stack}" has no credentials of the ${account} account that profile ${profile.name} names.`,
      {
        code: 'ACCOUNT_MISSING',
        actions: [`lambdactl secrets set ${account}`],
      },
    );
  }
  return credentials;
}

function countKinds(parts: readonly Part[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { kind } of parts.flatMap(({ objects }) => objects)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
