import type { ContainerEngine } from '../../runtimes/kubernetes/engine.ts';
import { engine as runEngine } from '../../runtimes/kubernetes/kind-nodes.ts';
import { asRecord, parsedJson } from '../../runtimes/kubernetes/program-output.ts';

export interface EngineImage {
  /** Unpacked, as the engine counts it; null where it does not tell. */
  bytes: number | null;
  /** What it was built on; null of what `images build` did not make. */
  base: string | null;
  /** "sha256:…", of the image's configuration; null where the engine does not tell. */
  id: string | null;
  /** "name@sha256:…" of each registry that it was pushed to or pulled from. */
  digests: readonly string[];
}

/** null: the engine does not have it. */
export async function inEngine(
  engine: ContainerEngine,
  reference: string,
  signal: AbortSignal,
): Promise<EngineImage | null> {
  const { stdout, failure } = await runEngine(engine, ['image', 'inspect', nameIn(engine, reference)], signal, 20_000);
  const inspected: unknown = parsedJson(stdout);
  const image = asRecord(Array.isArray(inspected) ? inspected[0] : null);
  if (failure !== undefined || image === null) return null;
  const base = asRecord(asRecord(image.Config)?.Labels)?.['dev.lambdactl.base'];
  const { Id: id, Size: bytes, RepoDigests: digests } = image;
  return {
    bytes: typeof bytes === 'number' ? bytes : null,
    base: typeof base === 'string' ? base : null,
    // podman leaves the algorithm out.
    id: typeof id === 'string' ? id.replace(/^(?=[0-9a-f]{64}$)/, 'sha256:') : null,
    digests: Array.isArray(digests) ? digests.map(String) : [],
  };
}

/**
 * The name under which an engine keeps an image that pods ask for by `reference`. A short name means Docker's registry everywhere but in
 * podman, which would take it for one of its own.
 */
export function nameIn({ kind }: Pick<ContainerEngine, 'kind'>, reference: string): string {
  const [first = ''] = reference.split('/');
  const hasRegistry = reference.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return kind === 'podman' && !hasRegistry ? `docker.io/${reference}` : reference;
}
