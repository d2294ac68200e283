/**
 * lambdactl in a pod of its own stack: what it must know comes as two files of a Secret, where services are it is told by their names,
 * and the API server it reaches as the pod's service account. So DAGs run `lambdactl batch …` inside Airflow's pod, and `generate` and
 * `bench` near Kafka.
 */
import type { CliStack } from '../../components/cli-job.ts';
import type { ComponentDefinition, InstancePlan } from '../../components/contract.ts';
import { splitPem } from '../../core/pem.ts';
import type { RenderedFile } from '../../core/service-spec.ts';
import type { Profile } from '../../platform/profile.ts';
import { authorityId, isCertificate } from '../../platform/tls.ts';
import { toJson } from '../../state/json-file.ts';
import { stackFilesVariable } from '../../state/paths.ts';
import type { Credentials } from '../../state/secrets.ts';

/** Context that the client library makes of a pod's service account, where there is no kubeconfig. */
export const inClusterContext = 'inClusterContext';

/** Endpoints are then services' own addresses: nothing is forwarded. */
export const isInCluster = (context: string): boolean => context === inClusterContext;

/** Says which tag images have: within an image that cannot be computed again. */
export const imageTagVariable = 'LAMBDACTL_IMAGE_TAG';

export interface InClusterOptions {
  stack: string;
  profile: Profile;
  components: readonly ComponentDefinition[];
  credentials: Credentials;
  imageTag: string;
}

/** The stack as a pod is given it: equal as long as the stack is, so that nothing restarts without need. */
export function inClusterStack(options: InClusterOptions): CliStack {
  return {
    files: (directory) => [
      file(`${directory}/stack.json`, desiredOf(options)),
      // In the clear within a Secret, whose volume is never on a disk: the pod has no key to seal with, and needs none.
      file(`${directory}/secrets.json`, { version: 1, credentials: withoutKeys(options.credentials) }),
    ],
    environment: (directory) => ({
      [stackFilesVariable]: directory,
      [imageTagVariable]: options.imageTag,
      LAMBDACTL_STACK: options.stack,
    }),
  };
}

/** Of certificates a client needs the authority's alone, and no key: who can run something here must not be able to pass for a server. */
function withoutKeys(credentials: Credentials): Credentials {
  return Object.fromEntries(
    Object.entries(credentials).flatMap(([id, credential]) => {
      if (!isCertificate(id)) return [[id, credential]];
      const { certificate } = splitPem(credential.secret);
      return id === authorityId ? [[id, { ...credential, secret: certificate }]] : [];
    }),
  );
}

/** Of the one instance whose program starts lambdactl: Airflow's tasks run in its scheduler. */
const startsLambdactl: readonly string[] = ['airflow-scheduler'];

/** An instance as it was rendered; where it starts lambdactl, with what that must know. */
export function withStack(plan: InstancePlan, conf: string, cli: CliStack): InstancePlan {
  const { files, service } = plan;
  if (!startsLambdactl.includes(service.name)) return plan;
  const command = { ...service.command, env: { ...service.command.env, ...cli.environment(conf) } };
  return { files: [...files, ...cli.files(conf)], service: { ...service, command } };
}

const file = (path: string, value: unknown): RenderedFile => ({ path, content: toJson(value), mode: 0o600 });

/** As src/state/desired.ts reads it. */
function desiredOf({ stack, profile, components }: InClusterOptions) {
  const ports = components.flatMap((component) => component.ports(profile)).map(({ id, preferred }) => [id, preferred]);
  // No time of day: the file is part of what decides whether a pod is restarted.
  const never = new Date(0).toISOString();
  return {
    version: 1,
    stack,
    runtime: 'kubernetes',
    cluster: { context: inClusterContext, kind: null },
    profile,
    components: components.map(({ name }) => name),
    ports: Object.fromEntries(ports),
    pins: {},
    accounts: {},
    createdAt: never,
    updatedAt: never,
  };
}
