import type { Profile } from './profile.ts';

/** Credential that holds the key and the certificate of the stack's own authority. */
export const authorityId = 'tls.authority';

const prefix = 'tls.';

/** Credential that holds the key and the certificate of an instance. */
export const certificateId = (instance: string): string => `${prefix}${instance}`;

/** Whether a credential is a certificate with its key, the authority's or an instance's. */
export const isCertificate = (id: string): boolean => id.startsWith(prefix);

/** Whether the stack's programs speak TLS with each other (docs/adr/0025). */
export function usesTls({ tls }: Pick<Profile, 'tls'>, runtime: 'embedded' | 'kubernetes'): boolean {
  return tls.use === 'everywhere' || (tls.use === 'cluster' && runtime === 'kubernetes');
}
