import { createHash } from 'node:crypto';
import { externalError, type LambdaError, messageOf } from '../core/errors.ts';
import { useEnvironmentProxy } from '../system/download.ts';

/** An image as a registry of the OCI distribution API knows it. */
export interface RegistryImage {
  /** "quay.io", "docker.io", "localhost:5000" */
  registry: string;
  repository: string;
  tag: string;
}

export interface RegistryLogin {
  user: string;
  secret: string;
}

const answerMs = 30_000;

/** An index of several platforms first: its digest is the same on every machine. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * The digest that a tag has at present, "sha256:…" (HEAD /v2/NAME/manifests/TAG, with a token where the registry wants one).
 * @throws LambdaError IMAGE_REGISTRY_UNREACHABLE, IMAGE_REGISTRY_LOGIN, IMAGE_UNKNOWN, IMAGE_REGISTRY_ANSWER; the signal's reason
 */
export async function digestOf(
  image: RegistryImage,
  login: RegistryLogin | null,
  signal: AbortSignal,
): Promise<string> {
  const registry = new Registry(image, login, signal);
  const head = await registry.manifest('HEAD');
  await head.body?.cancel();
  const told = head.headers.get('docker-content-digest');
  if (told !== null && digestPattern.test(told)) return told;
  // The header is a courtesy; the content's own hash is what it names.
  const whole = await registry.manifest('GET');
  return `sha256:${createHash('sha256')
    .update(Buffer.from(await whole.arrayBuffer()))
    .digest('hex')}`;
}

class Registry {
  private readonly image: RegistryImage;
  private readonly login: RegistryLogin | null;
  private readonly signal: AbortSignal;
  private authorization: string | null = null;

  constructor(image: RegistryImage, login: RegistryLogin | null, signal: AbortSignal) {
    this.image = image;
    this.login = login;
    this.signal = signal;
  }

  async manifest(method: 'HEAD' | 'GET'): Promise<Response> {
    const { repository, tag } = this.image;
    const url = `${originOf(this.image.registry)}/v2/${repository}/manifests/${tag}`;
    let answer = await this.ask(method, url);
    if (answer.status === 401 && this.authorization === null) {
      this.authorization = await this.authorize(answer.headers.get('www-authenticate') ?? '');
      answer = await this.ask(method, url);
    }
    if (answer.ok) return answer;
    await answer.body?.cancel();
    throw this.refused(answer.status);
  }

  private async ask(method: 'HEAD' | 'GET', url: string, authorization = this.authorization): Promise<Response> {
    useEnvironmentProxy();
    const headers = { accept: manifestTypes, ...(authorization === null ? {} : { authorization }) };
    try {
      return await fetch(url, {
        method,
        headers,
        signal: AbortSignal.any([this.signal, AbortSignal.timeout(answerMs)]),
      });
    } catch (error) {
      this.signal.throwIfAborted();
      throw this.unreachable(error);
    }
  }

  /** As the registry's challenge wants it: the login itself, or a token that another server gives for it, or for nothing. */
  private async authorize(challenge: string): Promise<string> {
    const basic = this.login === null ? null : `Basic ${btoa(`${this.login.user}:${this.login.secret}`)}`;
    const fields = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
    const realm = fields.get('realm');
    if (!/^bearer /i.test(challenge) || realm === undefined || !URL.canParse(realm)) {
      if (basic === null) throw this.refused(401);
      return basic;
    }
    const url = new URL(realm);
    for (const name of ['service', 'scope']) {
      const value = fields.get(name);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    // A login is for the registry's own servers: none is sent in the clear.
    const answer = await this.ask('GET', url.href, url.protocol === 'https:' || isLocal(url.host) ? basic : null);
    if (!answer.ok) throw this.refused(answer.status);
    // Checked below; what is no JSON holds no token.
    const body = (await answer.json().catch(() => null)) as { token?: unknown; access_token?: unknown } | null;
    const token = body?.token ?? body?.access_token;
    if (typeof token !== 'string') throw this.strange('its token server gave no token');
    return `Bearer ${token}`;
  }

  private get name(): string {
    const { registry, repository, tag } = this.image;
    return `${registry}/${repository}:${tag}`;
  }

  private refused(status: number): LambdaError {
    const { registry } = this.image;
    const details = { image: this.name, status };
    if (status === 404) {
      const actions = [
        'Is the name right, and was the image pushed? A mirror may not have it: kubernetes.images.overrides.',
      ];
      return externalError(`${registry} has no image ${this.name}.`, { code: 'IMAGE_UNKNOWN', details, actions });
    }
    if (status === 401 || status === 403) {
      const actions = [`Log in: docker login ${registry}`, 'Or name a mirror of yours: kubernetes.images.overrides.'];
      return externalError(`${registry} does not tell of ${this.name} without a login that may pull it.`, {
        ...{ code: 'IMAGE_REGISTRY_LOGIN', details, actions },
      });
    }
    return this.strange(`it answered ${status}`, status >= 500 || status === 429);
  }

  private strange(why: string, retryable = false): LambdaError {
    const { registry } = this.image;
    const details = { image: this.name };
    const actions = ['Run the same command again later.', `See what is there: ${originOf(registry)}/v2/`];
    const message = `${registry} did not tell the digest of ${this.name}: ${why}.`;
    return externalError(message, { code: 'IMAGE_REGISTRY_ANSWER', details, actions, retryable });
  }

  private unreachable(error: unknown): LambdaError {
    const { registry } = this.image;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return externalError(`Registry ${registry} is not to be reached: ${messageOf(cause)}`, {
      code: 'IMAGE_REGISTRY_UNREACHABLE',
      details: { image: this.name },
      actions: [
        'Digests are the registry’s to tell: run this where there is a way to it (HTTPS_PROXY is heeded).',
        'Or name a mirror of yours: kubernetes.images.overrides.',
      ],
      retryable: true,
      cause: error,
    });
  }
}

const isLocal = (host: string): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);

/** As container engines do it: this machine's own registry speaks plain HTTP. */
function originOf(registry: string): string {
  if (registry === 'docker.io') return 'https://registry-1.docker.io';
  return `${isLocal(registry) ? 'http' : 'https'}://${registry}`;
}
