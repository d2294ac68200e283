import { join } from 'node:path';
import { type LambdaError, preflightError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { exec, findOnPath } from '../../system/exec.ts';
import { namesIn } from '../../system/store-files.ts';
import { asRecord, isOlder, messageLine, parsedJson, type Version, versionIn, versionText } from './program-output.ts';
import { fetchTool, lockedTool } from './tool-fetch.ts';

export type ToolName = 'kind' | 'helm' | 'kubectl' | 'kubeseal';

export interface FoundTool {
  /** Absolute. */
  path: string;
  /** "0.33.0" */
  version: string;
}

export interface ToolOptions {
  /** Absolute; fetched tools lie in its directory `tools`. */
  home: string;
  /** Where locks/tools.json lies. */
  projectRoot: string;
  /** "v1.34.4" of the API server that kubectl is for: one minor version more or less is what Kubernetes supports. */
  serverVersion?: string;
  /** Whether a pinned release may be fetched; it is never fetched without. */
  confirm?(question: string): Promise<boolean>;
  emit?: Emit;
  signal?: AbortSignal;
}

interface Demand {
  title: string;
  versionArgs: readonly string[];
  /** Of what it prints, the part that holds the version. */
  versionOf(stdout: string): string;
  /** Oldest version whose flags and answers are used here. */
  oldest: Version;
  /** First version that nobody has looked at. */
  before: Version;
}

const demands: Readonly<Record<ToolName, Demand>> = {
  kind: {
    title: 'makes the cluster',
    versionArgs: ['version'],
    versionOf: (stdout) => stdout,
    oldest: [0, 30, 0],
    before: [1, 0, 0],
  },
  helm: {
    title: 'installs the upstream charts',
    versionArgs: ['version', '--short'],
    versionOf: (stdout) => stdout,
    oldest: [3, 14, 0],
    before: [5, 0, 0],
  },
  kubectl: {
    title: 'speaks with the cluster by hand',
    versionArgs: ['version', '--client', '--output=json'],
    versionOf: (stdout) => String(asRecord(asRecord(parsedJson(stdout))?.clientVersion)?.gitVersion ?? ''),
    oldest: [1, 30, 0],
    before: [2, 0, 0],
  },
  kubeseal: {
    title: 'seals secrets for git',
    versionArgs: ['--version'],
    versionOf: (stdout) => stdout,
    oldest: [0, 27, 0],
    before: [1, 0, 0],
  },
};

/** Programs that answer at once, on a busy machine too. */
const answerMs = 15_000;

/** LAMBDACTL_KIND and so on: a path, or a name on PATH. */
export const toolVariable = (name: ToolName): string => `LAMBDACTL_${name.toUpperCase()}`;

export interface ToolLook {
  found: FoundTool | null;
  /** What was looked at and does not fit, a sentence each. */
  rejected: readonly string[];
}

/**
 * Looks without changing anything: the one named by LAMBDACTL_<NAME>, which then has to fit; else the one on PATH, else one that was
 * fetched before.
 */
export async function lookForTool(name: ToolName, options: ToolOptions): Promise<ToolLook> {
  const named = process.env[toolVariable(name)];
  if (named !== undefined && named !== '') {
    const path = await findOnPath(named);
    const source = `${toolVariable(name)}=${named}`;
    if (path === undefined) return { found: null, rejected: [`${source} is not an executable file`] };
    return lookAt(name, [{ path, source }], options);
  }
  const onPath = await findOnPath(name);
  const candidates = onPath === undefined ? [] : [{ path: onPath, source: onPath }];
  return lookAt(name, [...candidates, ...(await fetchedBefore(name, options.home))], options);
}

interface Candidate {
  path: string;
  /** How it is named in messages. */
  source: string;
}

async function lookAt(name: ToolName, candidates: readonly Candidate[], options: ToolOptions): Promise<ToolLook> {
  const rejected: string[] = [];
  for (const { path, source } of candidates) {
    const asked = await versionOfTool(name, path, options.signal);
    const misfit = 'reason' in asked ? asked.reason : misfitOf(name, asked.version, options.serverVersion);
    if (misfit === null && 'version' in asked)
      return { found: { path, version: versionText(asked.version) }, rejected };
    rejected.push(`${source} ${misfit ?? ''}`);
  }
  return { found: null, rejected };
}

/** Newest first. */
async function fetchedBefore(name: ToolName, home: string): Promise<Candidate[]> {
  const versions = (await namesIn(join(home, 'tools'))).flatMap((entry) => {
    const version = entry.startsWith(`${name}-`) ? versionIn(entry.slice(name.length + 1)) : null;
    return version === null ? [] : [{ entry, version }];
  });
  return versions
    .sort((a, b) => (isOlder(a.version, b.version) ? 1 : -1))
    .map(({ entry }) => join(home, 'tools', entry, name))
    .map((path) => ({ path, source: path }));
}

async function versionOfTool(
  name: ToolName,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ version: Version } | { reason: string }> {
  const { versionArgs, versionOf } = demands[name];
  const limits = { timeoutMs: answerMs, ...(signal === undefined ? {} : { signal }) };
  const { stdout, stderr, failure } = await exec(path, versionArgs, limits);
  const version = versionIn(versionOf(stdout));
  if (version !== null) return { version };
  return { reason: `does not tell its version (${messageLine(`${stderr}\n${failure ?? ''}`) ?? 'no output'})` };
}

/** null: it fits. */
function misfitOf(name: ToolName, version: Version, serverVersion: string | undefined): string | null {
  const { oldest, before } = demands[name];
  const is = `is version ${versionText(version)}`;
  if (isOlder(version, oldest)) return `${is}; at least ${versionText(oldest)} is needed`;
  if (!isOlder(version, before)) return `${is}; lambdactl knows versions before ${before[0]}`;
  const server = name === 'kubectl' && serverVersion !== undefined ? versionIn(serverVersion) : null;
  if (server === null || (version[0] === server[0] && Math.abs(version[1] - server[1]) <= 1)) return null;
  return `${is}; the cluster is ${versionText(server)}, and kubectl may differ from it by one minor version`;
}

/**
 * A tool that fits, fetched where the user agrees (`confirm`).
 * @throws LambdaError TOOL_MISSING, TOOL_VERSION; TOOL_UNREACHABLE, TOOL_CORRUPT of a fetch
 */
export async function findTool(name: ToolName, options: ToolOptions): Promise<FoundTool> {
  const { found, rejected } = await lookForTool(name, options);
  if (found !== null) return found;
  const server = name === 'kubectl' ? versionIn(options.serverVersion ?? '') : null;
  const pinned = await lockedTool(name, options.projectRoot, server === null ? undefined : versionText(server));
  const named = process.env[toolVariable(name)];
  // What the user named is not passed over in silence.
  if ((named === undefined || named === '') && options.confirm !== undefined) {
    const lacking = rejected.length === 0 ? `${name} was not found on PATH.` : `${rejected.join('; ')}.`;
    if (
      await options.confirm(
        `${lacking} Fetch ${name} ${pinned.version} from ${pinned.host} into ${options.home}/tools?`,
      )
    ) {
      const path = await fetchTool(pinned, options);
      const fetched = await lookAt(name, [{ path, source: path }], options);
      if (fetched.found !== null) return fetched.found;
      throw missing(name, pinned.version, fetched.rejected);
    }
  }
  throw missing(name, pinned.version, rejected);
}

function missing(name: ToolName, pinned: string, rejected: readonly string[]): LambdaError {
  const actions = [
    `Install ${name} ${pinned} (or ${versionText(demands[name].oldest)} and newer) from your system’s packages or its project’s releases.`,
    `Or name one in ${toolVariable(name)}; or run the command again with --yes, which fetches the pinned release.`,
  ];
  const details = { tool: name, rejected };
  if (rejected.length === 0) {
    const what = `${name} was not found on PATH; it ${demands[name].title}.`;
    return preflightError(what, { code: 'TOOL_MISSING', actions, details });
  }
  return preflightError(`No ${name} that fits: ${rejected.join('; ')}.`, { code: 'TOOL_VERSION', actions, details });
}
