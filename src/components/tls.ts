import { type KeyPair, splitPem } from '../core/pem.ts';
import type { RenderedFile } from '../core/service-spec.ts';
import type { Profile } from '../platform/profile.ts';
import { authorityId, certificateId, usesTls } from '../platform/tls.ts';
import type { RenderContext } from './contract.ts';

/** What an instance needs of the stack's authority, as PEM. */
export interface Certificates {
  /** Certificate of the authority: all that a client needs. */
  authority: string;
  /** Of an instance that serves. */
  of(instance: string): KeyPair;
}

/** Those of a stack; null where its programs do not speak TLS. @param secret of a credential, by id */
export function certificatesOf(
  profile: Profile,
  runtime: 'embedded' | 'kubernetes',
  secret: (id: string) => string,
): Certificates | null {
  if (!usesTls(profile, runtime)) return null;
  return {
    // Asked for when it is used: who renders without a server's credentials needs none.
    get authority() {
      return splitPem(secret(authorityId)).certificate;
    },
    of: (instance) => splitPem(secret(certificateId(instance))),
  };
}

/** Where an instance or job of ours finds the authority's certificate, if it has to. */
export const authorityPath = (context: Pick<RenderContext, 'dir'>, instance: string): string =>
  `${context.dir(instance, 'conf')}/ca.crt`;

/** The authority's certificate as a file of a client; none without TLS. */
export function clientFiles(context: RenderContext, instance: string): RenderedFile[] {
  const { certificates } = context;
  if (certificates === null) return [];
  return [{ path: authorityPath(context, instance), content: certificates.authority, mode: 0o644 }];
}

/** Certificate, key and the authority's certificate as files of a server; none without TLS. */
export function serverFiles(context: RenderContext, instance: string): RenderedFile[] {
  const { certificates } = context;
  if (certificates === null) return [];
  const conf = context.dir(instance, 'conf');
  const { key, certificate } = certificates.of(instance);
  return [
    { path: `${conf}/tls.crt`, content: certificate, mode: 0o644 },
    { path: `${conf}/tls.key`, content: key, mode: 0o600 },
    ...clientFiles(context, instance),
  ];
}

/** For a ProbeSpec, and for whoever else is given the certificate itself. */
export const authorityIn = ({ certificates }: Pick<RenderContext, 'certificates'>): { authority?: string } =>
  certificates === null ? {} : { authority: certificates.authority };
