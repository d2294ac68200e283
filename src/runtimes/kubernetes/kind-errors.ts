import { externalError, type LambdaError, preflightError } from '../../core/errors.ts';
import { memoryBudgetMiB, type Profile } from '../../platform/profile.ts';
import type { PortHolder } from '../../system/net.ts';
import type { ContainerEngine } from './engine.ts';
import { clusterOverheadMiB } from './kind-config.ts';
import { lastLinesOf, messageLine } from './program-output.ts';

export function noEngine(reason: string): LambdaError {
  return preflightError(`No container engine answers (${reason}).`, {
    code: 'NO_CONTAINER_ENGINE',
    actions: [
      'Start Docker, podman or nerdctl, or install one; `lambdactl doctor` says what each of them answers.',
      'Or do without: lambdactl up --runtime embedded',
    ],
    details: { reason },
  });
}

export function nameTaken(name: string): LambdaError {
  return preflightError(`There is a kind cluster "${name}" that this lambdactl did not make; it is left alone.`, {
    code: 'KIND_NAME_TAKEN',
    actions: [
      'Take another stack, and with it another cluster: lambdactl up --runtime kind --stack NAME',
      `Or use this one: lambdactl up --runtime kubernetes --context kind-${name}`,
      `Or, if nobody needs it: kind delete cluster --name ${name}`,
    ],
    details: { cluster: name },
  });
}

export function portsBusy(busy: readonly { port: number; holder: PortHolder | null }[]): LambdaError {
  const lines = busy.map(({ port, holder }) => `  ${port} is held by ${holderText(holder)}`);
  return preflightError(`${busy.length === 1 ? 'A port is' : `${busy.length} ports are`} busy:\n${lines.join('\n')}`, {
    code: 'PORT_BUSY',
    actions: ['Take other ports: lambdactl up --any-port', 'Or stop what holds them.'],
    details: {
      ports: busy.map(({ port, holder }) => ({ port, pid: holder?.pid ?? null, name: holder?.name ?? null })),
    },
  });
}

export function holderText(holder: PortHolder | null): string {
  if (holder === null) return 'a process that cannot be seen';
  return holder.pid === null ? holder.name : `${holder.name} (pid ${holder.pid})`;
}

/** What may be left out, least missed first. */
const expendable: readonly (readonly string[])[] = [
  ['airflow'],
  ['airflow', 'warehouse'],
  ['airflow', 'warehouse', 'connect', 'registry', 'objectstore'],
];

/** null: the engine's machine carries it. @param components those chosen */
export function tooLittleMemory(
  { kind, memoryBytes }: Pick<ContainerEngine, 'kind' | 'memoryBytes'>,
  profile: Profile,
  components: readonly string[],
): LambdaError | null {
  const needed = (names: readonly string[]) => memoryBudgetMiB(profile, names) + clusterOverheadMiB(profile);
  const present = Math.floor(memoryBytes / 2 ** 20);
  if (needed(components) <= present) return null;
  const fitting = expendable.find(
    (left) =>
      left.some((name) => components.includes(name)) &&
      needed(components.filter((name) => !left.includes(name))) <= present,
  );
  const without = fitting?.filter((name) => components.includes(name)).map((name) => `--without ${name}`);
  return preflightError(
    `${kind} has ${present} MiB of memory; profile ${profile.name} in a kind cluster needs ${needed(components)} MiB.`,
    {
      code: 'KIND_MEMORY',
      actions: [
        ...(without === undefined ? [] : [`This would fit: lambdactl up --runtime kind ${without.join(' ')}`]),
        kind === 'podman'
          ? `Give podman's machine more: podman machine set --memory ${needed(components)}`
          : 'Give the engine more, if it runs in a virtual machine (Docker Desktop: Settings, Resources).',
        'Or run the processes without a cluster, which takes less: lambdactl up --runtime embedded',
        'Or go on regardless with --force.',
      ],
      details: { presentMiB: present, neededMiB: needed(components), cluster: clusterOverheadMiB(profile) },
    },
  );
}

type Explanation = (output: string) => { message: string; actions: readonly string[] };

/** What kind says when a creation fails (pkg/cluster of its sources), and what helps. */
const explanations: readonly [pattern: RegExp, explain: Explanation][] = [
  [
    /port is already allocated|address already in use|ports are not available|bind for /i,
    (output) => ({
      message: `a port of this machine is taken: ${lineWith(output, /allocated|in use|not available|bind for /i)}`,
      actions: ['Take other ports: lambdactl up --any-port', 'Or stop what holds it.'],
    }),
  ],
  [
    /failed to pull image/i,
    (output) => ({
      message: pullFailure(output),
      actions: [
        'Check that the engine reaches the registry: try the same pull by hand.',
        'Behind a mirror, name the node image there: `kubernetes: { kindNodeImage: … }` in a profile of your own.',
      ],
    }),
  ],
  [
    /could not find a log line that matches/i,
    () => ({
      message: 'a node did not come up',
      actions: [
        'Often too few inotify watches: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512',
        'Other reasons are in kind’s list of known issues; `kind create cluster --retain` keeps the node for a look.',
      ],
    }),
  ],
  [
    /requires (?:cgroup v2|setting systemd property)/i,
    (output) => ({
      message: lineWith(output, /requires/i),
      actions: ['Set up rootless kind as its guide says, or use a rootful engine.'],
    }),
  ],
  [
    /no space left on device/i,
    () => ({
      message: 'the engine’s disk is full',
      actions: ['Free space, e.g. docker system prune, or give its virtual machine a bigger disk.'],
    }),
  ],
  [
    /failed to init node with kubeadm|failed to join node with kubeadm/i,
    (output) => ({
      message: `Kubernetes did not start in the node: ${lineWith(output, /failed to (?:init|join)/i)}`,
      actions: [
        'Look whether the engine has memory and disk left; then run the same command again, it begins anew.',
        'A node image of another Kubernetes version can be named: `kubernetes: { kindNodeImage: … }` in a profile.',
      ],
    }),
  ],
];

export function creationFailed(name: string, output: string): LambdaError {
  const known = explanations.find(([pattern]) => pattern.test(output))?.[1](output);
  const message = known?.message ?? messageLine(output) ?? 'kind said nothing';
  return externalError(`kind could not make cluster ${name}: ${message}`, {
    code: 'KIND_CREATE_FAILED',
    actions: known?.actions ?? ['Run the same command again; it begins anew.', 'lambdactl doctor'],
    details: { cluster: name, output: lastLinesOf(output, 30) },
  });
}

/** kind names the command as well; what counts is the image and what the engine said. */
function pullFailure(output: string): string {
  const image = /failed to pull image "([^"@]+)/i.exec(output)?.[1] ?? 'of the nodes';
  const said = /Command Output:\s*(.+)/i.exec(output)?.[1]?.trim();
  return `failed to pull image ${image}${said === undefined ? '' : `: ${said}`}`;
}

const lineWith = (output: string, pattern: RegExp): string =>
  (output.split('\n').find((line) => pattern.test(line)) ?? '')
    .replace(/^\s*(?:ERROR:|Error:)\s*/i, '')
    .trim()
    .slice(0, 400);
