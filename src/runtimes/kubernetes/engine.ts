import { exec, findOnPath } from '../../system/exec.ts';
import { asRecord, messageLine, parsedJson } from './program-output.ts';

export type EngineName = 'docker' | 'podman' | 'nerdctl';

/** What runs containers here, and what it may use. */
export interface ContainerEngine {
  kind: EngineName;
  /** Its program, absolute. */
  path: string;
  /** Of the engine, not of its client. */
  version: string;
  /** Of the machine or virtual machine in which containers run. */
  memoryBytes: number;
  cpus: number;
  /** As Go names it: "amd64", "arm64". */
  architecture: string;
  /** Runs without root: may then not hold ports below 1024, and needs cgroup v2. */
  rootless: boolean;
}

export interface NoEngine {
  /** Why there is none, for people: one sentence for each program that was asked. */
  reason: string;
}

/** In the order in which kind itself looks. */
const names: readonly EngineName[] = ['docker', 'podman', 'nerdctl'];
/** Variables with which users point a client to another engine than that of this machine. */
const hostVariables: Readonly<Record<EngineName, string>> = {
  docker: 'DOCKER_HOST',
  podman: 'CONTAINER_HOST',
  nerdctl: 'CONTAINERD_ADDRESS',
};
/** A virtual machine that sleeps needs some seconds to answer; what takes longer hangs. */
const answerMs = 15_000;

export const isEngineName = (name: string): name is EngineName => names.some((each) => each === name);

export interface EngineOptions {
  /** Only this one; LAMBDACTL_ENGINE, else all in turn, when absent. */
  name?: EngineName | undefined;
  signal?: AbortSignal;
}

/**
 * The first container engine that answers. Clients are asked, not sockets: so contexts, DOCKER_HOST, CONTAINER_HOST and rootless set-ups
 * hold as they do for the user. Throws nothing but the signal's reason.
 */
export async function containerEngine(options: EngineOptions = {}): Promise<ContainerEngine | NoEngine> {
  const named = options.name ?? process.env.LAMBDACTL_ENGINE;
  if (named !== undefined && named !== '' && !isEngineName(named)) {
    return { reason: `LAMBDACTL_ENGINE=${named}: it knows ${names.join(', ')}` };
  }
  const asked = named === undefined || named === '' ? names : [named];
  const reasons: string[] = [];
  for (const name of asked) {
    const path = await findOnPath(name);
    if (path === undefined) {
      reasons.push(`${name}: not found on PATH`);
      continue;
    }
    const answer = await ask(name, path, options.signal);
    if ('kind' in answer) return answer;
    reasons.push(`${name}: ${answer.reason}`);
  }
  return { reason: reasons.join('; ') };
}

async function ask(name: EngineName, path: string, signal?: AbortSignal): Promise<ContainerEngine | NoEngine> {
  const started = performance.now();
  const options = { timeoutMs: answerMs, ...(signal === undefined ? {} : { signal }) };
  const { stdout, stderr, failure, exitCode } = await exec(path, ['info', '--format', '{{json .}}'], options);
  const facts = factsOf(stdout);
  if (failure === undefined && facts !== null) return { ...facts, kind: facts.kind ?? name, path };
  // The client ends in an exit code; one that hung was ended here.
  if (exitCode === null && performance.now() - started >= answerMs) {
    return { reason: `does not answer within ${answerMs / 1000} s${at(name)}; restart it` };
  }
  return { reason: explain(name, `${stderr}\n${serverErrors(stdout)}\n${failure ?? ''}`) };
}

type Facts = Omit<ContainerEngine, 'kind' | 'path'> & { kind: EngineName | null };

/**
 * Docker's and nerdctl's form, or podman's, which also answers under the name "docker" where podman-docker is installed.
 * null where there is no server in it.
 */
function factsOf(stdout: string): Facts | null {
  const info = asRecord(parsedJson(stdout));
  const host = asRecord(info?.host);
  if (info === null) return null;
  if (host !== null) {
    const { memTotal, cpus, arch } = host;
    const version = asRecord(info.version)?.Version;
    if (typeof memTotal !== 'number') return null;
    return {
      kind: 'podman',
      version: text(version),
      memoryBytes: memTotal,
      cpus: Number(cpus ?? 0),
      architecture: text(arch),
      rootless: asRecord(host.security)?.rootless === true,
    };
  }
  const { ServerVersion: version, MemTotal: memoryBytes, NCPU: cpus, Architecture: architecture } = info;
  if (typeof version !== 'string' || version === '' || typeof memoryBytes !== 'number') return null;
  const security: unknown = info.SecurityOptions;
  return {
    kind: null,
    version,
    memoryBytes,
    cpus: Number(cpus ?? 0),
    architecture: goArchitecture(text(architecture)),
    rootless: Array.isArray(security) && security.some((each) => String(each).includes('rootless')),
  };
}

/** Docker tells the kernel's names. */
const goArchitecture = (name: string): string => ({ x86_64: 'amd64', aarch64: 'arm64' })[name] ?? name;

const text = (value: unknown): string => (typeof value === 'string' ? value : 'unknown');

/** Older clients end well and put the failure into the answer. */
function serverErrors(stdout: string): string {
  const errors = asRecord(parsedJson(stdout))?.ServerErrors;
  return Array.isArray(errors) ? errors.join('\n') : '';
}

/** What the clients say, and what to do about it. */
const explanations: readonly [pattern: RegExp, reason: (name: EngineName, where: string) => string][] = [
  [
    /permission denied/i,
    (name, where) =>
      name === 'docker'
        ? `permission denied${where}: add yourself to group docker (then log in anew) or use rootless docker`
        : `permission denied${where}: run it rootless, or as a user that may open its socket`,
  ],
  [
    /cannot connect to the docker daemon|is the docker daemon running|error during connect|docker desktop is (?:not running|unable to start)/i,
    (_, where) => `no daemon answers${where}: start Docker (Docker Desktop, or \`systemctl start docker\`)`,
  ],
  [
    /podman machine (?:init|start)|cannot connect to podman|unable to connect to podman/i,
    (_, where) => `no virtual machine answers${where}: \`podman machine start\``,
  ],
  [
    /rootless containerd not running|cannot access containerd socket|containerd\.sock/i,
    (_, where) => `no containerd answers${where}: start containerd, or \`containerd-rootless-setuptool.sh install\``,
  ],
  [
    /client version .* is too (?:new|old)|minimum supported api version/i,
    (_, where) => `client and daemon are of versions that do not fit${where}: bring both to the same release`,
  ],
  [
    /context .*(?:not found|does not exist)|unable to resolve docker endpoint/i,
    () => 'the chosen context does not exist: `docker context ls`, `docker context use default`',
  ],
  [
    /no such host|connection refused|i\/o timeout|no route to host|network is unreachable/i,
    (_, where) => `not reachable${where}: is the address right, and does the engine run there?`,
  ],
];

function explain(name: EngineName, output: string): string {
  const known = explanations.find(([pattern]) => pattern.test(output));
  if (known === undefined) return messageLine(output) ?? 'gave no usable answer';
  const address = /(?:unix|tcp|ssh|npipe):\/\/[^\s"]+?(?=[\s".:,]*(?:\s|$))|\/[\w./-]*\.sock/.exec(output)?.[0];
  return known[1](name, address === undefined ? at(name) : ` on ${address.replace('unix://', '')}`);
}

/** Where the user sent the client, if elsewhere than to this machine. */
function at(name: EngineName): string {
  const host = process.env[hostVariables[name]];
  return host === undefined || host === '' ? '' : ` on ${hostVariables[name]}=${host}`;
}
