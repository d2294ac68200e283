import { externalError, type LambdaError, messageOf, preflightError } from '../../core/errors.ts';

/** What the API server answered instead of what was asked for. */
export class ApiError extends Error {
  readonly status: number;
  /** "NotFound", "Forbidden", "Invalid", … */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
  }
}

/** The server's Status object; whatever stands before it (a proxy, a load balancer) may answer with anything. */
export function apiErrorOf(status: number, body: string): ApiError {
  try {
    const value: { reason?: unknown; message?: unknown } = JSON.parse(body);
    if (typeof value.message === 'string') return new ApiError(status, String(value.reason ?? ''), value.message);
  } catch {
    // Told as it is, below.
  }
  return new ApiError(status, '', body.trim().slice(0, 300) || `HTTP status ${status}`);
}

export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

export interface Cluster {
  /** Name in the kubeconfig. */
  context: string;
  server: string;
}

/** A failed request in the user's words. @param what was to be done, e.g. "apply StatefulSet data/postgres" */
export function explain(error: unknown, cluster: Cluster, what: string): unknown {
  if (error instanceof ApiError) return refused(error, cluster, what);
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  return code === null ? error : unreachable(messageOf(error) || code, cluster, error);
}

function refused(error: ApiError, cluster: Cluster, what: string): LambdaError {
  const details = { context: cluster.context, status: error.status, reason: error.reason };
  const rest = { details, cause: error };
  if (error.status === 401) return notLoggedIn(cluster, error);
  if (error.status === 403) return admission(error.message, what) ?? forbidden(error, cluster, what);
  if (error.status === 404 || error.status === 409 || (error.status >= 400 && error.status < 429)) {
    return externalError(`The cluster did not ${what}: ${error.message}`, {
      ...rest,
      code: 'CLUSTER_REFUSED',
      actions: ['Run the same command again; it takes up where it stopped.', 'lambdactl doctor'],
    });
  }
  return externalError(`The API server of ${cluster.context} is in trouble: ${error.message}`, {
    ...rest,
    code: 'CLUSTER_UNREACHABLE',
    retryable: true,
    actions: [`kubectl --context ${cluster.context} get --raw /readyz?verbose`, 'Then run the same command again.'],
  });
}

/** What a quota or the Pod Security standards of a namespace do not let in; null for anything else. */
export function admission(message: string, what: string): LambdaError | null {
  const quota = /exceeded quota: ([^,]+)/.exec(message)?.[1];
  if (quota !== undefined) {
    return preflightError(`Quota ${quota} does not let the cluster ${what}: ${excerpt(message)}`, {
      code: 'QUOTA',
      details: { quota },
      actions: [
        'Take a smaller profile or fewer components (--profile lite, --without airflow).',
        `Or have the quota raised: kubectl describe quota ${quota} -A`,
      ],
    });
  }
  const level = /violates PodSecurity "([^"]+)": (.*)/s.exec(message);
  if (level === null) return null;
  return preflightError(`Pod Security (${level[1]}) does not let the cluster ${what}: ${excerpt(level[2] ?? '')}`, {
    code: 'POD_SECURITY',
    details: { level: level[1] },
    actions: [
      'Pods of lambdactl keep to "restricted"; a chart or an image of your own may ask for more.',
      'See the namespace: kubectl get namespace --show-labels',
    ],
  });
}

function forbidden(error: ApiError, { context }: Cluster, what: string): LambdaError {
  const found =
    /User "([^"]*)" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(
      error.message,
    );
  if (found === null) {
    return externalError(`The cluster did not ${what}: ${error.message}`, {
      code: 'CLUSTER_FORBIDDEN',
      details: { context },
      actions: ['An admission rule of the cluster refuses it; ask who runs the cluster.'],
      cause: error,
    });
  }
  const [, user = '', verb = '', resource = '', group = '', namespace] = found;
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`;
  const named = group === '' ? resource : `${resource}.${group}`;
  return externalError(`Context ${context}: "${user}" may not ${verb} ${named} ${where}.`, {
    code: 'CLUSTER_FORBIDDEN',
    details: { context, user, verb, resource: named, namespace: namespace ?? null },
    actions: [
      `Ask who runs the cluster for the right to ${verb} ${named} ${where}.`,
      `kubectl --context ${context} auth can-i ${verb} ${named}${namespace === undefined ? ' -A' : ` -n ${namespace}`}`,
    ],
    cause: error,
  });
}

/** The user's login, or the program that the kubeconfig names for it. */
export function notLoggedIn({ context }: Cluster, error: unknown): LambdaError {
  return externalError(`Context ${context} does not let us in: ${messageOf(error)}`, {
    code: 'CLUSTER_LOGIN',
    details: { context },
    actions: [
      'Log in to the cluster again (aws sso login, gcloud auth login, az login, …).',
      `Then look: kubectl --context ${context} auth whoami`,
    ],
    cause: error,
  });
}

/** @param why in the system's words */
export function unreachable(why: string, { context, server }: Cluster, error: unknown): LambdaError {
  const kind = /^kind-(.+)$/.exec(context)?.[1];
  return externalError(`Context ${context}: ${server} does not answer (${why}).`, {
    code: 'CLUSTER_UNREACHABLE',
    retryable: true,
    details: { context, server },
    actions: [
      kind === undefined
        ? 'Is the cluster up, and the network or VPN to it?'
        : `Is the container engine up? The cluster's node is a container: ${kind}-control-plane`,
      `kubectl --context ${context} get nodes`,
    ],
    cause: error,
  });
}

const excerpt = (text: string): string => (text.length > 400 ? `${text.slice(0, 400)}…` : text);
