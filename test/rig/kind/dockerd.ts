import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { paths, rigEnvironment, sources } from './paths.ts';
import { docker, run, sh } from './shell.ts';

// Not 172.17.0.0/16, which a docker of the user's own would have.
const bridge = '172.29.0.1/16';
const cgroup = 'lambdactl-rig';
const saved = join(paths.run, 'before.json');

/** What of the machine dockerd changes and does not put back. */
interface Before {
  forwarding: string;
  forwardPolicy: string;
}

/** Starts the rig's own dockerd unless it runs. Nothing in it reaches beyond this machine. */
export async function startDockerd(): Promise<void> {
  if (pidOfDockerd() !== null) return;
  await refuseBesideAnother();
  for (const directory of [paths.run, paths.dockerData, paths.dockerConfig, paths.logs]) {
    mkdirSync(directory, { recursive: true });
  }
  rmSync(paths.dockerPid, { force: true });
  await rememberMachine();
  // Before any container is there: the chain is dockerd's own for such rules, and it leaves them alone.
  await closeUplinks();
  const log = openSync(join(paths.logs, 'dockerd.log'), 'a');
  const child = spawn('dockerd', daemonArguments(), {
    detached: true,
    stdio: ['ignore', log, log],
    // It may not pull either: what is not here is missing, and says so at once.
    env: {
      ...process.env,
      ...rigEnvironment(),
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '',
    },
  });
  child.unref();
  for (const end = Date.now() + 60_000; ; await sleep(200)) {
    if ((await execa('docker', ['info'], { env: rigEnvironment(), reject: false })).exitCode === 0) return;
    if (Date.now() > end) throw new Error(`dockerd does not answer: see ${join(paths.logs, 'dockerd.log')}`);
  }
}

const daemonArguments = (): string[] => [
  ...['--data-root', paths.dockerData, '--exec-root', join(paths.run, 'exec'), '--pidfile', paths.dockerPid],
  ...['-H', `unix://${paths.dockerSocket}`, '--storage-driver', 'overlay2', '--bip', bridge],
  ...['--cgroup-parent', `/${cgroup}`, '--exec-opt', 'native.cgroupdriver=cgroupfs'],
  ...['--add-runtime', `nocap=${join(sources, 'files', 'runc-nocap')}`, '--default-runtime', 'nocap'],
];

/** Ends every container, dockerd itself, and what it leaves behind: rules, interfaces, mounts, cgroups. Keeps images. */
export async function stopDockerd(): Promise<void> {
  const pid = pidOfDockerd();
  if (pid !== null) {
    const containers = (await docker('down', 'ps', '-aq')).split('\n').filter((id) => id !== '');
    if (containers.length > 0) await docker('down', 'rm', '-fv', ...containers);
    await docker('down', 'network', 'prune', '-f');
    await docker('down', 'volume', 'prune', '-f');
    process.kill(pid, 'SIGTERM');
    for (const end = Date.now() + 60_000; pidOfDockerd() !== null; await sleep(200)) {
      if (Date.now() > end) throw new Error(`dockerd (${pid}) does not end: see ${join(paths.logs, 'dockerd.log')}`);
    }
  }
  await restoreMachine();
  removeCgroups();
}

/** pid of the rig's dockerd; null when the file is of one that is gone, or of another program by now. */
export function pidOfDockerd(): number | null {
  if (!existsSync(paths.dockerPid)) return null;
  const pid = Number(readFileSync(paths.dockerPid, 'utf8'));
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(paths.dockerData) ? pid : null;
  } catch {
    return null;
  }
}

/** Two dockerds would write into the same chains. */
async function refuseBesideAnother(): Promise<void> {
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name) === 'dockerd');
  if (others.length > 0)
    throw new Error(`a dockerd runs already (pid ${others.join(', ')}): the rig wants a machine without`);
}

function commandOf(pid: string): string {
  try {
    // One that ended and was not waited for has a name still, and no command line.
    const ended = readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '';
    return ended ? '' : readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

async function rememberMachine(): Promise<void> {
  if (existsSync(saved)) return;
  const rules = await run('up', 'iptables', ['-S', 'FORWARD']);
  const before: Before = {
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(),
    forwardPolicy: /^-P FORWARD (\w+)/m.exec(rules)?.[1] ?? 'ACCEPT',
  };
  writeFileSync(saved, JSON.stringify(before));
}

async function closeUplinks(): Promise<void> {
  const routes = [...(await route('-4')), ...(await route('-6'))];
  for (const uplink of new Set(routes)) {
    await sh(
      'up',
      `iptables -N DOCKER-USER 2> /dev/null || true
       iptables -C DOCKER-USER -o "$1" -j REJECT 2> /dev/null || iptables -I DOCKER-USER -o "$1" -j REJECT
       iptables -C FORWARD -o "$1" -j DOCKER-USER 2> /dev/null || iptables -I FORWARD -o "$1" -j DOCKER-USER
       ip6tables -N DOCKER-USER 2> /dev/null || true
       ip6tables -C DOCKER-USER -o "$1" -j REJECT 2> /dev/null || ip6tables -I DOCKER-USER -o "$1" -j REJECT
       ip6tables -C FORWARD -o "$1" -j DOCKER-USER 2> /dev/null || ip6tables -I FORWARD -o "$1" -j DOCKER-USER`,
      [uplink],
    );
  }
}

/** @returns interfaces of the default routes */
async function route(family: '-4' | '-6'): Promise<string[]> {
  const listed: { dev: string }[] = JSON.parse(
    (await run('up', 'ip', ['-json', family, 'route', 'show', 'default'])) || '[]',
  );
  return listed.map(({ dev }) => dev);
}

/** Takes away the rules and interfaces of dockerd, and nobody else's; puts back the policy and the setting it changed. */
async function restoreMachine(): Promise<void> {
  if (!existsSync(saved)) return;
  const before: Before = JSON.parse(readFileSync(saved, 'utf8'));
  for (const tables of ['iptables', 'ip6tables']) {
    const rules = (await run('down', `${tables}-save`, [])).split('\n');
    const kept = rules
      .filter((line) => !/DOCKER|docker0|-[io] br-[0-9a-f]{12}|172\.29\.0\.0/.test(line))
      .map((line) =>
        tables === 'iptables' ? line.replace(/^:FORWARD \w+/, `:FORWARD ${before.forwardPolicy}`) : line,
      );
    await run('down', `${tables}-restore`, [], { input: `${kept.join('\n')}\n`, stdin: 'pipe' });
  }
  await sh('down', 'ip link del docker0 2> /dev/null || true');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', before.forwarding);
  rmSync(saved);
}

/** Innermost first; the kernel removes one only when nothing runs in it. */
function removeCgroups(): void {
  const remove = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) remove(join(directory, entry.name));
    }
    rmdirSync(directory);
  };
  for (const controller of ['', ...readdirSync('/sys/fs/cgroup')]) {
    const directory = join('/sys/fs/cgroup', controller, cgroup);
    if (existsSync(directory)) remove(directory);
  }
}
