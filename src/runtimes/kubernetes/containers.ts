import type { KubernetesContext } from '../../components/kubernetes.ts';
import type { ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { accountVariables } from './accounts.ts';
import { imageUser, stateRoot } from './image-layout.ts';
import type { Resources } from './quantities.ts';
import type { PartedCommand } from './secrecy.ts';
import { type Mount, stateDir } from './storage.ts';

/** What Pod Security's level "restricted" asks of a pod, and that volumes belong to the group all containers run in. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: imageUser,
  runAsGroup: imageUser,
  fsGroup: imageUser,
  // A big volume is not walked through at every start.
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

const containerSecurity = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
} as const;

/**
 * Process 1 of the pod is Kubernetes' own pause program, so that no image needs an init: it reaps what a program leaves behind, and a program
 * that is not process 1 ends on SIGTERM though it has no handler (a Python program would be killed when its grace is over).
 */
export const podProcesses = { shareProcessNamespace: true } as const;

export interface ContainerRequest {
  name: string;
  component: ComponentName;
  command: PartedCommand;
  cwd: string;
  mounts: readonly Mount[];
  resources: Resources;
  /** Secret that holds the command's secret variables. */
  secretName: string;
}

/** What every container of ours has in common. */
export function containerOf(request: ContainerRequest, context: KubernetesContext) {
  const { name, command, resources, mounts, cwd } = request;
  return {
    name,
    image: context.image(request.component),
    imagePullPolicy: context.imagePullPolicy,
    command: [command.executable],
    args: [...command.args],
    workingDir: cwd,
    env: environmentOf(request),
    ...accountVariables(name, context.profile),
    resources,
    securityContext: containerSecurity,
    volumeMounts: mounts,
  };
}

function environmentOf({ command, secretName, cwd }: ContainerRequest) {
  // As the supervisor's minimal environment; a home that can be written to.
  const open = { HOME: cwd, LANG: 'C.UTF-8', TZ: 'UTC', ...command.open };
  return [
    ...Object.entries(open).map(([name, value]) => ({ name, value })),
    ...Object.keys(command.secret).map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: secretName, key: name } },
    })),
  ];
}

/** $0: marker, the rest: the command. As the supervisor does it: the marker is written after success, and while it is there nothing is done. */
const onceScript = '[ -e "$0" ] && exit 0; "$@" && : > "$0"';

/** The command unless its marker is there. */
export function onlyOnce(command: PartedCommand, marker: string): PartedCommand {
  return { ...command, executable: '/bin/sh', args: ['-c', onceScript, marker, command.executable, ...command.args] };
}

/**
 * $0: signal, the rest: the command. Kubernetes stops by SIGTERM; another signal would have to be the image's (which may be overridden) or
 * lifecycle.stopSignal's, which few clusters know yet. So the shell passes on the one that the program wants. The wait ends with the trap,
 * not with the child: it is waited for until it is gone.
 */
const stopScript = `
"$@" &
child=$!
trap 'kill -s "$0" "$child"' TERM
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"
`.trim();

/** The command as it must be started so that SIGTERM stops it as `stopSignal` says. */
export function stoppable(command: PartedCommand, stopSignal: ServiceSpec['stopSignal']): PartedCommand {
  if (stopSignal === 'SIGTERM') return command;
  const signal = stopSignal.slice('SIG'.length);
  return { ...command, executable: '/bin/sh', args: ['-c', stopScript, signal, command.executable, ...command.args] };
}

/** Copies an instance's config files to where its program may open them for writing. */
export function copyConfig(
  instance: string,
  component: ComponentName,
  resources: Resources,
  context: KubernetesContext,
) {
  const from = `${stateRoot}/given/${instance}`;
  const to = stateDir('conf', instance);
  const request: ContainerRequest = {
    name: `${instance}-conf`,
    component,
    command: {
      executable: '/bin/sh',
      args: ['-c', 'cp -rL "$0"/* "$1"/ && chmod -R u+w "$1"/*', from, to],
      open: {},
      secret: {},
    },
    cwd: '/tmp',
    mounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: `given-${instance}`, mountPath: from, readOnly: true },
      { name: `conf-${instance}`, mountPath: to },
    ],
    resources,
    secretName: '',
  };
  return containerOf(request, context);
}
