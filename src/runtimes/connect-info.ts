import type { Endpoint } from '../components/contract.ts';
import type { Credentials } from '../state/secrets.ts';
import type { ConnectInfo } from './contract.ts';

/** An endpoint with what is needed to open it. The first host and port count where the url lists several. */
export function connectInfo({ url, credential, component }: Endpoint, credentials: Credentials): ConnectInfo {
  const [, host, port] = /^(?:[a-z][a-z0-9+.:-]*:\/\/)?(?:[^@/]*@)?([^:/,]+):(\d+)/.exec(url) ?? [];
  if (host === undefined || port === undefined)
    throw new Error(`endpoint of ${component} names no host and port: ${url}`);
  const { user = null, secret = null } = credential === undefined ? {} : (credentials[credential] ?? {});
  return { url, host, port: Number(port), user, password: secret };
}
