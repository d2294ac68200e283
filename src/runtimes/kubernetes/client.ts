import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { messageOf, usageError } from '../../core/errors.ts';
import { type HttpOptions, openHttp, textOf } from '../../system/http-stream.ts';
import { ApiError, apiErrorOf, type Cluster, explain, isNotFound, notLoggedIn, unreachable } from './client-errors.ts';
import type { ApiObject } from './client-types.ts';
import { isInCluster } from './in-cluster.ts';

/** What objects of ours are applied as; see `kubectl get --show-managed-fields`. */
export const fieldManager = 'lambdactl';

const answerMs = 30_000;
/** Pauses before each further attempt where the server is overloaded or the connection broke, ms. */
const retryPauses = [300, 1_000, 3_000];

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
  /** For messages, as in "did not <what>". */
  what: string;
}

/** Names one object. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string | undefined };
}

interface Resource {
  name: string;
  kind: string;
  namespaced: boolean;
}

/**
 * One cluster through its API server. The client library gives kubeconfig and every way to log in; requests are our own, because they must be
 * abortable, keep objects as they are written and tell their failures in one way.
 */
export class ClusterClient implements Cluster {
  readonly context: string;
  readonly server: string;
  /** For the library's own streams. */
  readonly config: KubeConfig;
  private readonly resources = new Map<string, Promise<readonly Resource[]>>();

  private constructor(context: string, server: string, config: KubeConfig) {
    this.context = context;
    this.server = server;
    this.config = config;
  }

  /**
   * @param kubeconfig file; as kubectl finds it when absent
   * @throws LambdaError CONTEXT_UNKNOWN naming those that there are, KUBECONFIG_BROKEN
   */
  static async open(context: string, kubeconfig?: string): Promise<ClusterClient> {
    const config = await loadKubeconfig(kubeconfig);
    const known = namesIn(config);
    // Made up by the library from a pod's service account; only a stack that was told to be there asks for it.
    const within = isInCluster(context) && config.getContextObject(context) !== null;
    if (!known.includes(context) && !within) throw unknownContext(context, known);
    config.setCurrentContext(context);
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw unknownContext(context, known);
    return new ClusterClient(context, cluster.server.replace(/\/$/, ''), config);
  }

  /** The server's answer as JSON; what is idempotent is tried again where the server is overloaded. @throws LambdaError CLUSTER_… */
  async json<T>(path: string, request: ApiRequest): Promise<T> {
    const { signal, what } = request;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { body } = await this.send(path, request, AbortSignal.any([signal, AbortSignal.timeout(answerMs)]));
        // The shape is the API's own, named by who asks.
        return JSON.parse(await textOf(body)) as T;
      } catch (error) {
        signal.throwIfAborted();
        const pause = retryPauses[attempt];
        if (pause === undefined || request.method === 'POST' || !mayPass(error)) throw this.told(error, what);
        await delay(pause, undefined, { signal });
      }
    }
  }

  /** A long answer as it comes. @throws LambdaError CLUSTER_…; ApiError 400 and 404 as they are */
  async stream(path: string, request: ApiRequest): Promise<Readable> {
    try {
      return (await this.send(path, request, request.signal)).body;
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof ApiError && (error.status === 400 || error.status === 404)) throw error;
      throw this.told(error, request.what);
    }
  }

  private async send(path: string, { method = 'GET', query = {}, body, contentType }: ApiRequest, signal: AbortSignal) {
    const url = new URL(`${this.server}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const options: HttpOptions = {};
    await this.config.applyToHTTPSOptions(options).catch((error: unknown) => {
      throw notLoggedIn(this, error);
    });
    const type = body === undefined ? {} : { 'content-type': contentType ?? 'application/json' };
    options.headers = { ...options.headers, accept: 'application/json', ...type };
    const text = body === undefined ? null : JSON.stringify(body);
    const answer = await openHttp({ url: url.href, method, options, body: text, signal });
    if (answer.status >= 300) throw apiErrorOf(answer.status, await textOf(answer.body));
    return answer;
  }

  /** @returns what to throw; "not found" stays what it is, for callers to whom it is an answer */
  private told(error: unknown, what: string): unknown {
    if (isNotFound(error)) return error;
    if (error instanceof DOMException && error.name === 'TimeoutError')
      return unreachable(`no answer within ${answerMs / 1000} s`, this, error);
    return explain(error, this, what);
  }

  /** null where there is none. */
  async read<T extends ApiObject = ApiObject>(ref: ObjectRef, signal: AbortSignal): Promise<T | null> {
    const path = await this.pathOf(ref, signal);
    if (path === null) return null;
    return this.json<T>(path, { signal, what: `read ${nameOf(ref)}` }).catch(noneWhereNotFound);
  }

  /** Objects of one kind, in one namespace or in all; empty where the cluster does not know the kind. */
  async list<T extends ApiObject = ApiObject>(
    { apiVersion, kind }: { apiVersion: string; kind: string },
    { namespace, labels, fields }: { namespace?: string | undefined; labels?: string; fields?: string },
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const resource = await this.resourceOf(apiVersion, kind, signal);
    if (resource === null) return [];
    const path = collectionPath(apiVersion, resource, namespace);
    const query = { labelSelector: labels, fieldSelector: fields };
    const what = `list ${resource.name}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const answer = await this.json<{ items: readonly Omit<T, 'apiVersion' | 'kind'>[] }>(path, { query, signal, what });
    // Items of a list leave out what the list says of them all.
    return answer.items.map((item) => ({ ...item, apiVersion, kind }) as unknown as T);
  }

  /** Server-side apply: what we set becomes as we set it, what others set stays. @param manager for parts that are taken back on their own */
  async apply(
    object: KubernetesObject,
    signal: AbortSignal,
    { dryRun = false, manager = fieldManager } = {},
  ): Promise<ApiObject> {
    const path = await this.pathOf(object, signal);
    const what = `apply ${nameOf(object)}`;
    if (path === null)
      throw this.told(new ApiError(400, 'NoKind', `it does not know ${object.apiVersion} ${object.kind}`), what);
    const query = { fieldManager: manager, force: true, dryRun: dryRun ? 'All' : undefined };
    const contentType = 'application/apply-patch+yaml';
    return this.json<ApiObject>(path, { method: 'PATCH', query, body: object, contentType, signal, what }).catch(
      (error: unknown) => {
        throw isNotFound(error) ? explain(error, this, what) : error;
      },
    );
  }

  /** @returns false where there was nothing to delete */
  async remove(
    ref: ObjectRef,
    propagation: 'Background' | 'Foreground' | 'Orphan',
    signal: AbortSignal,
  ): Promise<boolean> {
    const path = await this.pathOf(ref, signal);
    if (path === null) return false;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation };
    const request = { method: 'DELETE', body, signal, what: `delete ${nameOf(ref)}` } as const;
    return (await this.json(path, request).catch(noneWhereNotFound)) !== null;
  }

  /** Path of one object; null where the cluster does not know its kind. */
  async pathOf({ apiVersion, kind, metadata }: ObjectRef, signal: AbortSignal): Promise<string | null> {
    const resource = await this.resourceOf(apiVersion, kind, signal);
    if (resource === null) return null;
    return `${collectionPath(apiVersion, resource, metadata.namespace)}/${metadata.name}`;
  }

  /** Whether the API server serves that kind now. */
  async serves(apiVersion: string, kind: string, signal: AbortSignal): Promise<boolean> {
    return (await this.resourceOf(apiVersion, kind, signal)) !== null;
  }

  private async resourceOf(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource | null> {
    const find = (resources: readonly Resource[]) => resources.find((each) => each.kind === kind) ?? null;
    const known = this.resources.get(apiVersion);
    const found = known === undefined ? null : find(await known);
    if (found !== null) return found;
    // A kind that a chart has brought meanwhile is asked for anew; one of Kubernetes' own never appears later.
    const asked = this.askResources(apiVersion, signal);
    this.resources.set(apiVersion, asked);
    asked.catch(() => this.resources.delete(apiVersion));
    return find(await asked);
  }

  private async askResources(apiVersion: string, signal: AbortSignal): Promise<readonly Resource[]> {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const request = { signal, what: `tell what it knows of ${apiVersion}` };
    const answer = await this.json<{ resources: readonly Resource[] }>(path, request).catch(noneWhereNotFound);
    return (answer?.resources ?? []).filter(({ name }) => !name.includes('/'));
  }
}

/** "StatefulSet data/postgres" */
export function nameOf({ kind, metadata: { name, namespace } }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function collectionPath(apiVersion: string, { name, namespaced }: Resource, namespace: string | undefined): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced && namespace !== undefined ? `${root}/namespaces/${namespace}/${name}` : `${root}/${name}`;
}

function noneWhereNotFound(error: unknown): null {
  if (isNotFound(error)) return null;
  throw error;
}

/** Overloaded, starting, or a connection that was kept for too long. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 429 || error.status >= 500 || error.status === 409;
  return error instanceof Error && 'code' in error && ['ECONNRESET', 'EPIPE'].includes(String(error.code));
}

/** Of the user's kubeconfig; empty where there is none. @throws LambdaError KUBECONFIG_BROKEN */
export async function contextNames(): Promise<readonly string[]> {
  return namesIn(await loadKubeconfig(undefined));
}

/** Without what the library makes up where it finds no file. */
function namesIn(config: KubeConfig): string[] {
  const names = config.getContexts().map(({ name }) => name);
  return names.filter((name) => name !== 'loaded-context' && !isInCluster(name));
}

async function loadKubeconfig(file: string | undefined): Promise<KubeConfig> {
  // 130 MB on disk: loaded by those commands alone that speak to a cluster.
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw usageError(`The kubeconfig cannot be read: ${messageOf(error)}`, {
      code: 'KUBECONFIG_BROKEN',
      actions: ['kubectl config view', 'Name another one: KUBECONFIG=FILE lambdactl …'],
      cause: error,
    });
  }
  return config;
}

function unknownContext(context: string, known: readonly string[]) {
  const names = known.length === 0 ? 'It holds none.' : `Contexts: ${known.join(', ')}.`;
  return usageError(`The kubeconfig has no context "${context}".`, {
    code: 'CONTEXT_UNKNOWN',
    details: { context, known },
    actions: [names, 'lambdactl up --runtime kubernetes --context NAME', 'Another file: KUBECONFIG=FILE lambdactl …'],
  });
}
