import type { ComponentDefinition, Endpoint } from '../components/contract.ts';
import { LambdaError } from '../core/errors.ts';
import { splitPem } from '../core/pem.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import { authorityId } from '../platform/tls.ts';
import type { Credentials } from '../state/secrets.ts';
import type { ConnectInfo } from './contract.ts';
import type { Wanted } from './wanted.ts';

/** A component's endpoint of that protocol, of those that a stack has. @throws LambdaError NOT_UP when the stack has no such component */
export function endpointOf(
  { desired: { stack, components } }: Wanted,
  { definitions, endpoints }: { definitions: readonly ComponentDefinition[]; endpoints: readonly Endpoint[] },
  component: ComponentName,
  protocol: string,
): Endpoint {
  if (!components.includes(component)) {
    const title = definitions.find(({ name }) => name === component)?.title ?? component;
    throw new LambdaError(`Stack "${stack}" has no ${title}.`, {
      code: 'NOT_UP',
      category: 'preflight',
      actions: ['Bring it up as well: lambdactl up'],
    });
  }
  const found = endpoints.find((each) => each.component === component && each.protocol === protocol);
  if (found === undefined) throw new Error(`${component} has no endpoint of protocol ${protocol}`);
  return found;
}

/** An endpoint with what is needed to open it. The first host and port count where the url lists several. */
export function connectInfo({ url, credential, component, tls }: Endpoint, credentials: Credentials): ConnectInfo {
  const [, host, port] = /^(?:[a-z][a-z0-9+.:-]*:\/\/)?(?:[^@/]*@)?([^:/,]+):(\d+)/.exec(url) ?? [];
  if (host === undefined || port === undefined)
    throw new Error(`endpoint of ${component} names no host and port: ${url}`);
  const { user = null, secret = null } = credential === undefined ? {} : (credentials[credential] ?? {});
  const authority = tls === true ? credentials[authorityId] : undefined;
  return {
    ...{ url, host, port: Number(port), user, password: secret },
    ...(authority === undefined ? {} : { authority: splitPem(authority.secret).certificate }),
  };
}
