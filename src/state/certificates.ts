import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import { joinPem, splitPem } from '../core/pem.ts';
import type { StackPaths } from './paths.ts';
import { type Credentials, readSecrets, saveCredentials } from './secrets.ts';

/** A server's certificate as it should be. */
export interface CertificateNeed {
  /** Of the credential. */
  id: string;
  /** Its common name. */
  instance: string;
  /** DNS names and IPv4 addresses under which clients reach it. */
  names: readonly string[];
}

const dayMs = 86_400_000;
const authorityDays = 3650;
const serverDays = 365;
/** `up` makes a certificate anew when it has less than this left … */
export const renewDays = 60;
/** … and with less than this left it is a finding: nobody has brought the stack up for a year. */
export const warnDays = 30;
/** No server's certificate may outlive its authority. */
const authorityRenewDays = serverDays + renewDays;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * The stack's authority and its servers' certificates: what is missing, near its end, of another authority or made for other names is
 * made anew and saved with the other secrets; the rest stays. The caller holds the stack's lock.
 * @param authority id of the authority's credential
 * @returns all credentials
 */
export async function ensureCertificates(
  paths: StackPaths,
  authority: string,
  needs: readonly CertificateNeed[],
  now = new Date(),
): Promise<Credentials> {
  const present = await readSecrets(paths);
  const issued: Record<string, { user: string; secret: string }> = {};
  let own = present[authority]?.secret;
  if (own === undefined || daysLeft(splitPem(own).certificate, now) < authorityRenewDays) {
    own = await makeAuthority(paths.stack, now);
    issued[authority] = { user: 'authority', secret: own };
  }
  for (const need of needs) {
    if (fits(present[need.id]?.secret, own, need, now)) continue;
    issued[need.id] = { user: need.instance, secret: await makeServer(own, need, now) };
  }
  return Object.keys(issued).length === 0 ? present : saveCredentials(paths, issued);
}

/** Whole days until a certificate is not valid any more, negative since; NaN of what is none. */
export function daysLeft(pem: string, now: Date): number {
  try {
    return Math.floor((Date.parse(new X509Certificate(pem).validTo) - now.getTime()) / dayMs);
  } catch {
    return Number.NaN;
  }
}

function fits(secret: string | undefined, authority: string, { names }: CertificateNeed, now: Date): boolean {
  if (secret === undefined) return false;
  const { certificate } = splitPem(secret);
  if (!(daysLeft(certificate, now) >= renewDays)) return false;
  const parsed = new X509Certificate(certificate);
  if (!parsed.verify(new X509Certificate(splitPem(authority).certificate).publicKey)) return false;
  const present = (parsed.subjectAltName ?? '').split(', ').map((entry) => entry.replace(/^(DNS|IP Address):/, ''));
  return present.toSorted().join() === [...new Set(names)].toSorted().join();
}

/** Loaded where a certificate is made: no other command needs it. */
async function library(): Promise<typeof X509> {
  // Wanted by a part of it, which leaves the choice of it to its user.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const serialNumber = (): string => {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  // Positive, and never with a leading zero byte.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
};

/** Valid from a day ago, for machines whose clocks differ. */
const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - dayMs),
  notAfter: new Date(now.getTime() + days * dayMs),
});

async function pemOf(keys: webcrypto.CryptoKeyPair, certificate: X509.X509Certificate): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  return joinPem({ key: String(key), certificate: certificate.toString('pem') });
}

async function makeAuthority(stack: string, now: Date): Promise<string> {
  const x509 = await library();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=lambdactl ${stack}`,
    ...validity(now, authorityDays),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pemOf(keys, certificate);
}

async function makeServer(authority: string, { instance, names }: CertificateNeed, now: Date): Promise<string> {
  const x509 = await library();
  const keys = await newKeys();
  const { key, certificate } = splitPem(authority);
  const issuer = new x509.X509Certificate(certificate);
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${instance}`,
    issuer: issuer.subject,
    ...validity(now, serverDays),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([...new Set(names)].map(nameOf)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pemOf(keys, made);
}

const nameOf = (value: string) => ({
  type: /^\d+(\.\d+){3}$/.test(value) ? ('ip' as const) : ('dns' as const),
  value,
});
