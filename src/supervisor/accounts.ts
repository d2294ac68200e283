import { preflightError } from '../core/errors.ts';
import type { ServiceSpec } from '../core/service-spec.ts';
import { obstacleFor } from '../system/files.ts';
import { canMapUser } from '../system/host.ts';
import { accounts, findExecutable } from '../system/paths.ts';
import { plainEnvironment, type SpawnRequest } from '../system/process.ts';

/**
 * Under which identity a service runs. "mapped": in a user namespace where our own uid appears as 65534, for programs that
 * refuse root while their files lie where only root can go; on disk everything stays ours.
 */
export type ServiceAccount = { kind: 'own' } | { kind: 'uid'; uid: number; gid: number } | { kind: 'mapped' };

export interface ServicePaths {
  uses: readonly string[];
  owns: readonly string[];
}

/**
 * Chooses the identity for a service that refuses root. A choice once made is kept, because the data directory belongs to it.
 * @param paths.uses files and directories the service has to read
 * @param paths.owns directories that will be given to the account: only the way to them counts
 * @param remembered the choice recorded for this service, if any
 * @throws LambdaError NO_UNPRIVILEGED_ACCOUNT naming the directory in the way
 */
export async function chooseAccount(
  service: string,
  paths: ServicePaths,
  remembered: ServiceAccount | undefined,
): Promise<ServiceAccount> {
  if (remembered !== undefined && remembered.kind !== 'uid') return remembered;
  const candidate = remembered ?? unprivilegedAccount();
  const obstacle = candidate === null ? null : await firstObstacle(candidate, paths);
  if (candidate !== null && obstacle === null) return { kind: 'uid', uid: candidate.uid, gid: candidate.gid };
  if (remembered === undefined && (await canMapUser())) return { kind: 'mapped' };
  throw preflightError(
    obstacle === null
      ? `${service} refuses to run as root, and this system has no unprivileged account to run it under.`
      : `${service} refuses to run as root, and uid ${candidate?.uid} may not enter ${obstacle}.`,
    {
      code: 'NO_UNPRIVILEGED_ACCOUNT',
      actions: [
        'Run lambdactl as a normal user.',
        'Or choose a directory that every user may enter: lambdactl up --home /srv/lambdactl',
      ],
      details: { service, directory: obstacle },
    },
  );
}

/** Whether a service must not be started under our own identity. */
export function needsAccount(spec: ServiceSpec): boolean {
  return spec.command.refusesRoot === true && process.getuid?.() === 0;
}

function unprivilegedAccount(): { uid: number; gid: number } | null {
  const known = accounts().filter(({ uid }) => uid !== 0);
  return (
    known.find(({ uid }) => uid === 65534) ??
    known.find(({ name }) => name === 'postgres') ??
    known.find(({ name }) => name === 'nobody') ??
    null
  );
}

async function firstObstacle(
  owner: { uid: number; gid: number },
  { uses, owns }: ServicePaths,
): Promise<string | null> {
  for (const path of uses) {
    const obstacle = await obstacleFor(owner, path);
    if (obstacle !== null) return obstacle;
  }
  for (const path of owns) {
    const obstacle = await obstacleFor(owner, path, { wayOnly: true });
    if (obstacle !== null) return obstacle;
  }
  return null;
}

export interface CommandContext {
  account: ServiceAccount;
  /** NAME=value put into the environment of everything started. */
  marker: string;
  nice?: number;
  /** Sent by the kernel when the supervisor dies (Linux). */
  deathSignal: ServiceSpec['stopSignal'];
}

const setpriv = process.platform === 'linux' ? findExecutable('setpriv') : null;

/** What is really executed: the command behind the wrappers (each replaces itself, so the pid stays) that give it identity and niceness. */
export function spawnRequest(command: ServiceSpec['command'], context: CommandContext): SpawnRequest {
  const { account, marker, nice = 0 } = context;
  const argv = [
    ...(nice === 0 ? [] : ['nice', '-n', String(nice)]),
    ...(account.kind === 'mapped' ? ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--'] : []),
    // After the change of identity, which would clear it.
    ...(setpriv === null ? [] : [setpriv, '--pdeathsig', context.deathSignal.slice(3), '--']),
    command.executable,
    ...command.args,
  ];
  const [name = '', value = ''] = marker.split('=');
  return {
    executable: argv[0] ?? command.executable,
    args: argv.slice(1),
    env: {
      ...plainEnvironment(),
      // Another identity cannot use our home.
      ...(account.kind === 'own' ? {} : { HOME: command.cwd }),
      ...command.env,
      [name]: value,
    },
    cwd: command.cwd,
    ...(account.kind === 'uid' ? { uid: account.uid, gid: account.gid } : {}),
  };
}
