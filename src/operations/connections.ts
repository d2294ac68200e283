import { openStack, type StackRef } from './stack.ts';

export interface ConnectionReport {
  component: string;
  protocol: string;
  url: string;
  user: string | null;
  /** null unless asked for. */
  password: string | null;
  description: string;
}

/** Where each component answers, and as whom. @throws LambdaError NOT_UP */
export async function connections(request: StackRef & { showPasswords: boolean }) {
  const stack = await openStack(request);
  const endpoints = await stack.runtime.endpoints();
  const list = endpoints.map(
    ({ component, protocol, url, credential, description }): ConnectionReport => ({
      component,
      protocol,
      url,
      user: credential === undefined ? null : stack.user(credential),
      password: credential !== undefined && request.showPasswords ? stack.secret(credential) : null,
      description,
    }),
  );
  return { stack: stack.name, connections: list, secretsFile: stack.paths.secretsFile };
}
