/** Sealing by kubeseal: whatever is secret goes to its standard input, and comes back sealed. */
import { externalError, usageError } from '../../core/errors.ts';
import { exec } from '../../system/exec.ts';
import {
  fingerprintOf,
  type PlainSecret,
  readCertificate,
  type SealingCertificate,
  sealedYaml,
  secretJson,
} from './sealed-file.ts';

/** Where the controller of a cluster is. */
export interface SealingController {
  kubeContext: string;
  namespace: string;
  /** Of its Service. */
  name: string;
}

const timeoutMs = 60_000;

/** The certificate with which the cluster wants to be sealed for now. @throws LambdaError SEALING_UNREACHABLE */
export async function fetchCertificate(
  kubeseal: string,
  controller: SealingController,
  signal: AbortSignal,
): Promise<SealingCertificate> {
  const { stdout, stderr, failure } = await exec(kubeseal, [...controllerFlags(controller), '--fetch-cert'], {
    signal,
    timeoutMs,
  });
  if (failure === undefined) return readCertificate(stdout, `what ${controller.name} answered`);
  const { namespace, name, kubeContext } = controller;
  throw externalError(
    `No certificate from ${namespace}/${name} of context ${kubeContext}: ${lastLine(stderr, failure)}`,
    {
      code: 'SEALING_UNREACHABLE',
      details: { context: kubeContext, namespace, name },
      actions: [
        'Name the controller where it has another name: --controller NAMESPACE/NAME',
        'Without a way to the cluster, seal with its certificate: --cert FILE',
      ],
      retryable: true,
    },
  );
}

export interface Sealing {
  /** Path of the program. */
  kubeseal: string;
  /** Path of the certificate's file. */
  certificateFile: string;
  certificate: SealingCertificate;
  /** Of the home: for the fingerprint. */
  key: Buffer;
  signal: AbortSignal;
}

/**
 * Seals for one name in one namespace (strict scope).
 * @returns YAML of the SealedSecret
 * @throws LambdaError SEALING_FAILED, SEALING_CERTIFICATE_EXPIRED
 */
export async function sealSecret(secret: PlainSecret, sealing: Sealing): Promise<string> {
  const { kubeseal, certificateFile, certificate, key, signal } = sealing;
  if (Date.parse(certificate.validTo) < Date.now()) throw expired(certificate);
  const args = ['--format', 'json', '--scope', 'strict', '--cert', certificateFile];
  const { stdout, stderr, failure } = await exec(kubeseal, args, { signal, timeoutMs, input: secretJson(secret) });
  if (failure !== undefined) {
    throw externalError(`kubeseal did not seal ${secret.namespace}/${secret.name}: ${lastLine(stderr, failure)}`, {
      code: 'SEALING_FAILED',
      details: { namespace: secret.namespace, name: secret.name },
      actions: ['kubeseal --version', 'Give the certificate of the cluster: --cert FILE'],
    });
  }
  const marks = { fingerprint: fingerprintOf(secret, key), certificate: certificate.fingerprint };
  return sealedYaml(stdout, secret, marks);
}

/** Whether the cluster's controller can open it. @returns null, or why not */
export async function verifySealed(
  kubeseal: string,
  controller: SealingController,
  yaml: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = [...controllerFlags(controller), '--validate'];
  const { stderr, failure } = await exec(kubeseal, args, { signal, timeoutMs, input: yaml });
  return failure === undefined ? null : lastLine(stderr, failure);
}

const controllerFlags = ({ kubeContext, namespace, name }: SealingController): string[] => [
  ...['--context', kubeContext, '--controller-namespace', namespace, '--controller-name', name],
];

function expired({ validTo }: SealingCertificate) {
  return usageError(`The certificate to seal with has expired on ${validTo.slice(0, 10)}.`, {
    code: 'SEALING_CERTIFICATE_EXPIRED',
    details: { validTo },
    actions: ['Fetch the present one: lambdactl secrets seal --context C, or kubeseal --fetch-cert'],
  });
}

/** kubeseal says on the last line what is wrong; its input is never part of that. */
const lastLine = (stderr: string, failure: string): string =>
  stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^error: /, '') || failure;
