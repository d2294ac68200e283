/** What a SealedSecret file says about itself without being opened, and what it must say. No tool and no cluster is asked here. */
import { createHash, createHmac, X509Certificate } from 'node:crypto';
import { parse, stringify } from 'yaml';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { messageOf, usageError } from '../../core/errors.ts';

/** A Secret before it is sealed: values as text, not in base64. */
export interface PlainSecret {
  namespace: string;
  name: string;
  type: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  values: Readonly<Record<string, string>>;
}

export const annotations = {
  /** Keyed hash of the values: tells whether they are still those that are set, and nothing else (`fingerprintOf`). */
  fingerprint: 'lambdactl.dev/fingerprint',
  /** sha256 of the certificate that sealed it. */
  certificate: 'lambdactl.dev/certificate',
} as const;

/** A Secret object as it is applied, taken apart. @throws Error for what is no Secret */
export function plainSecret(object: KubernetesObject): PlainSecret {
  const { apiVersion, kind, metadata, type, data, stringData } = object;
  if (apiVersion !== 'v1' || kind !== 'Secret' || metadata.namespace === undefined) {
    throw new Error(`${apiVersion} ${kind} ${metadata.name} is not a Secret of a namespace`);
  }
  const decoded = texts(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')] as const);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    type: typeof type === 'string' ? type : 'Opaque',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    // As the API server merges them: stringData wins.
    values: Object.fromEntries([...decoded, ...texts(stringData)]),
  };
}

/** The same as JSON of a Secret: for standard input only, never for a file. */
export function secretJson({ namespace, name, type, labels, annotations: notes, values }: PlainSecret): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels, annotations: notes },
    type,
    stringData: values,
  });
}

/**
 * HMAC-SHA256 over place and values. Without the key it cannot be told from chance, so that not even a short or known value can be
 * guessed from a file that everybody may read; another namespace or name gives another one, so that equal values do not show either.
 * @param key of the home that keeps the stack's secrets
 */
export function fingerprintOf({ namespace, name, values }: PlainSecret, key: Buffer): string {
  const sorted = Object.keys(values)
    .sort()
    .map((each) => [each, values[each]]);
  const text = JSON.stringify(['lambdactl sealed secret', namespace, name, sorted]);
  return `hmac-sha256:${createHmac('sha256', key).update(text).digest('hex').slice(0, 32)}`;
}

export interface SealingCertificate {
  pem: string;
  fingerprint: string;
  /** ISO times. */
  validFrom: string;
  validTo: string;
}

/** @throws LambdaError SEALING_CERTIFICATE_INVALID */
export function readCertificate(pem: string, source: string): SealingCertificate {
  try {
    const certificate = new X509Certificate(pem);
    if (certificate.publicKey.asymmetricKeyType !== 'rsa') throw new Error('it has no RSA key');
    return {
      pem: certificate.toString(),
      fingerprint: `sha256:${createHash('sha256').update(certificate.raw).digest('hex').slice(0, 32)}`,
      validFrom: certificate.validFromDate.toISOString(),
      validTo: certificate.validToDate.toISOString(),
    };
  } catch (error) {
    throw usageError(`${source} is no certificate to seal with: ${messageOf(error)}.`, {
      code: 'SEALING_CERTIFICATE_INVALID',
      details: { source },
      actions: [
        'Fetch it where the cluster can be reached: kubeseal --fetch-cert --context C > certificate.pem',
        'Or let lambdactl fetch it: lambdactl secrets seal --context C',
      ],
    });
  }
}

/** What a file of sealed secrets says about itself. */
export interface SealedDescription {
  namespace: string;
  name: string;
  keys: readonly string[];
  /** Anything but strict lets the value be opened under another name or in another namespace. */
  scope: 'strict' | 'namespace-wide' | 'cluster-wide';
  fingerprint: string | null;
  certificate: string | null;
}

export const sealedKind = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret' } as const;

/** @returns null for what is no SealedSecret */
export function describeSealed(text: string): SealedDescription | null {
  const object = record(parseOrNull(text));
  if (object.apiVersion !== sealedKind.apiVersion || object.kind !== sealedKind.kind) return null;
  const metadata = record(object.metadata);
  const notes = record(metadata.annotations);
  const note = (name: string) => (typeof notes[name] === 'string' ? notes[name] : null);
  const scoped = (scope: string) => notes[`sealedsecrets.bitnami.com/${scope}`] === 'true';
  return {
    namespace: String(metadata.namespace ?? ''),
    name: String(metadata.name ?? ''),
    keys: Object.keys(record(record(object.spec).encryptedData)).sort(),
    scope: scoped('cluster-wide') ? 'cluster-wide' : scoped('namespace-wide') ? 'namespace-wide' : 'strict',
    fingerprint: note(annotations.fingerprint),
    certificate: note(annotations.certificate),
  };
}

/** kubeseal's answer as it goes into git: what servers fill in is left out, what `describeSealed` reads is put in. */
export function sealedYaml(
  json: string,
  secret: PlainSecret,
  marks: { fingerprint: string; certificate: string },
): string {
  const { spec } = record(JSON.parse(json));
  const { name, namespace, labels } = secret;
  const { encryptedData, template } = record(spec);
  const { metadata, type } = record(template);
  const { creationTimestamp: _made, ...rest } = record(metadata);
  const object = {
    ...sealedKind,
    metadata: {
      name,
      namespace,
      labels,
      annotations: { [annotations.fingerprint]: marks.fingerprint, [annotations.certificate]: marks.certificate },
    },
    spec: { encryptedData, template: { metadata: rest, type: type ?? secret.type } },
  };
  // One line a value: a line break within would be one more thing to go wrong in a merge.
  return stringify(object, { lineWidth: 0 });
}

function parseOrNull(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

const texts = (value: unknown): [string, string][] =>
  Object.entries(record(value)).flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : []));
