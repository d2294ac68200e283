import { catalogue } from '../components/catalogue.ts';
import { type CliStack, cliJob } from '../components/cli-job.ts';
import { type ErrorCategory, externalError, LambdaError, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { readDesired } from '../state/desired.ts';
import { isRecord } from '../state/json-file.ts';
import { readSecrets } from '../state/secrets.ts';
import { type OpenStack, projectRoot } from './stack.ts';

/** Flags of the command line itself, and those that mean something only where it is typed. */
const stayHere: readonly string[] = [
  'json',
  'home',
  'stack',
  'in-cluster',
  'bootstrap',
  'bootstrap-ca',
  'file',
  'html',
  'compare',
  'up',
];

/** Flags as typed again, for the same command elsewhere. */
export function argumentsOf(flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (stayHere.includes(name) || value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return [value].flat().map((each) => `--${name}=${String(each)}`);
  });
}

/** @throws LambdaError IN_CLUSTER_ONLY, NOT_UP */
export async function requireCluster(stack: OpenStack): Promise<void> {
  if (stack.runtime.kind !== 'kubernetes') {
    throw usageError('--in-cluster needs a stack that runs in a cluster; this one runs on this machine.', {
      code: 'IN_CLUSTER_ONLY',
      actions: ['Leave --in-cluster out: nothing lies between this machine and its own stack.'],
    });
  }
  await stack.requireUp();
}

/**
 * Runs a command of lambdactl as a Job of the stack's cluster and returns what it answers with.
 * @param args of the command, without --json
 * @param known the whole stack: then its credentials go with it, as a Secret that ends with the Job; or no more than by which certificate
 *   brokers are verified, or nothing
 * @returns `data` of its envelope, and whether its verdict is good
 * @throws LambdaError as the command would throw it here; IN_CLUSTER_FAILED
 */
export async function runInCluster(
  stack: OpenStack,
  args: readonly string[],
  known: 'stack' | { authority: string } | null,
  context: OperationContext,
): Promise<{ data: unknown; ok: boolean }> {
  const job = cliJob(known === 'stack' ? await describe(stack) : known === null ? null : verifying(known.authority));
  const title = `lambdactl ${args[0]} in the cluster`;
  return step(context, { id: 'in-cluster', title }, async () => {
    // All of it: a long run's report has more lines than are kept of a job.
    const lines: string[] = [];
    const request = { args: [...args, '--json'], onLine: (line: string) => void lines.push(line) };
    const { errorTail, exitCode } = await stack.run(job, request, context);
    const envelope = envelopeIn(lines.join('\n'));
    if (envelope === null) throw noAnswer(exitCode, errorTail);
    if (isRecord(envelope.error)) throw revived(envelope.error);
    return { value: { data: envelope.data, ok: envelope.status === 'ok' } };
  });
}

/** The certificate by which brokers are verified, for `generate --bootstrap-ca`. */
function verifying(authority: string): CliStack {
  const path = (directory: string) => `${directory}/ca.crt`;
  return {
    files: (directory) => [{ path: path(directory), content: authority, mode: 0o644 }],
    environment: (directory) => ({ LAMBDACTL_BOOTSTRAP_CA: path(directory) }),
  };
}

async function describe(stack: OpenStack): Promise<CliStack> {
  const { inClusterStack } = await import('../runtimes/kubernetes/in-cluster.ts');
  const desired = await readDesired(stack.paths);
  const { profile } = stack;
  if (profile === null || desired === null) throw new Error('a stack that is up has a profile');
  return inClusterStack({
    stack: stack.name,
    profile,
    components: catalogue.filter(({ name }) => desired.components.includes(name)),
    credentials: await readSecrets(stack.paths),
    imageTag: desired.pins.images ?? (await tagOfImages()),
  });
}

async function tagOfImages(): Promise<string> {
  const { imageTag } = await import('./images/tag.ts');
  return imageTag({ projectRoot });
}

function envelopeIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf('{')));
    return isRecord(value) && value.schemaVersion === 1 ? value : null;
  } catch {
    return null;
  }
}

const categories: readonly ErrorCategory[] = [
  ...(['usage', 'preflight', 'external', 'check', 'confirmation', 'interrupted', 'bug'] as const),
];

/** The other's error as if it had been thrown here. */
function revived({ code, category, message, actions, details }: Record<string, unknown>): LambdaError {
  return new LambdaError(String(message), {
    code: String(code),
    category: categories.find((each) => each === category) ?? 'external',
    actions: Array.isArray(actions) ? actions.map(String) : [],
    details: isRecord(details) ? details : {},
  });
}

const noAnswer = (exitCode: number, errorTail: string) =>
  externalError(
    `lambdactl in the cluster gave no answer (exit code ${exitCode}).${errorTail === '' ? '' : `\n${errorTail}`}`,
    {
      code: 'IN_CLUSTER_FAILED',
      details: { exitCode, errorTail },
      actions: ['lambdactl logs lambdactl', 'lambdactl images list'],
    },
  );
