import { join } from 'node:path';
import type { RegistryLogin } from '../../probes/image-registry.ts';
import { asRecord, parsedJson } from '../../runtimes/kubernetes/program-output.ts';
import { exec } from '../../system/exec.ts';
import { readIfExists } from '../../system/files.ts';
import { homeDirectory } from '../../system/store-files.ts';

/** Under which Docker keeps what `docker login` without a name was given. */
const hubKey = 'https://index.docker.io/v1/';
const helperMs = 10_000;

/** What `docker login` kept for a registry: in its file, or with the helper that the file names; null where it kept nothing. */
export async function registryLogin(registry: string, signal: AbortSignal): Promise<RegistryLogin | null> {
  const directory = process.env.DOCKER_CONFIG ?? join(homeDirectory(), '.docker');
  const config = asRecord(parsedJson((await readIfExists(join(directory, 'config.json'))) ?? 'null'));
  const key = registry === 'docker.io' ? hubKey : registry;
  const helper = asRecord(config?.credHelpers)?.[key] ?? config?.credsStore;
  if (typeof helper === 'string' && /^[\w-]+$/.test(helper)) {
    const asked = await exec(`docker-credential-${helper}`, ['get'], { input: key, signal, timeoutMs: helperMs });
    const { Username: user, Secret: secret } = asRecord(parsedJson(asked.stdout)) ?? {};
    // "<token>" is no user but says that the secret is for another protocol.
    if (typeof user === 'string' && typeof secret === 'string' && user !== '<token>') return { user, secret };
  }
  const auth = asRecord(asRecord(config?.auths)?.[key])?.auth;
  const [, user, secret] = typeof auth === 'string' ? (/^([^:]+):(.+)$/s.exec(atob(auth)) ?? []) : [];
  return user === undefined || secret === undefined ? null : { user, secret };
}
