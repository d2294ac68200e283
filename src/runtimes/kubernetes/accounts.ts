import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { flowsOf } from '../../platform/flows.ts';
import type { Profile } from '../../platform/profile.ts';
import type { Credentials } from '../../state/secrets.ts';
import { secretObject } from './config.ts';
import { baseComponent, labelsOf } from './labels.ts';

/** Secret with the keys of the S3 account, as `secrets seal` names it. */
export const s3Secret = 'account-s3';

/** Programs of Spark look for an account's keys where every AWS client does; the others are told by their own settings. */
const byAwsChain: readonly string[] = ['spark', 'spark-batch', 'lake'];

/** Variables of an account, for the container of an instance or job that finds it by them. Without such a Secret a role of the pod's account is used. */
export function accountVariables(name: string, profile: Profile) {
  const wanted = byAwsChain.includes(name) && flowsOf(profile).some(({ from, to }) => from === name && isS3(to));
  return wanted ? { envFrom: [{ secretRef: { name: s3Secret, optional: true } }] } : {};
}

const isS3 = (to: object): boolean => 'outside' in to && to.outside === 'S3';

/** The Secret, where the profile names an account and the stack has its keys. */
export function accountSecrets(
  credentials: Credentials,
  { profile, stack, namespaceOf }: KubernetesContext,
): KubernetesObject[] {
  const keys = credentials['account.s3'];
  if (profile.lake.storage.kind !== 's3' || keys === undefined) return [];
  const place = { namespace: namespaceOf('spark'), labels: labelsOf(stack, baseComponent) };
  return [secretObject(s3Secret, { AWS_ACCESS_KEY_ID: keys.user, AWS_SECRET_ACCESS_KEY: keys.secret }, place)];
}
