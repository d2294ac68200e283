import { dirname, join } from 'node:path';
import { z } from 'zod';
import { externalError, LambdaError, messageOf, preflightError } from '../../core/errors.ts';
import { step } from '../../core/events.ts';
import { unpackTarGz } from '../../system/archive.ts';
import { download, sizeOfDownload, textOfDownload } from '../../system/download.ts';
import { setMode } from '../../system/file-system.ts';
import {
  fileSize,
  hashFile,
  makeDirectory,
  move,
  platformName,
  readTextIfPresent,
  removeTree,
  withFileLock,
  writeTextAtomically,
} from '../../system/store-files.ts';
import type { ToolName, ToolOptions } from './tools.ts';

const entrySchema = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** {version}, {os} and {arch} are filled in. */
  url: z.string(),
  /** File of checksums that the project publishes with the release. */
  checksums: z.string(),
  /** Where the program lies in the archive; absent where the release is the program itself. */
  directory: z.string().optional(),
});
const lockSchema = z.strictObject({ schemaVersion: z.literal(1), tools: z.record(z.string(), entrySchema) });

/** What was fetched once: a later fetch of the same release must bring the same bytes. */
const pinsSchema = z.record(
  z.string(),
  z.strictObject({ url: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), pinnedAt: z.string() }),
);

export interface LockedTool {
  name: ToolName;
  version: string;
  url: string;
  checksums: string;
  /** Below the archive's root; null where the release is no archive. */
  directory: string | null;
  host: string;
}

/**
 * The pinned release for this machine.
 * @param instead another version of it: kubectl has to be of the cluster's
 * @throws LambdaError LOCK_INVALID, PLATFORM_UNSUPPORTED
 */
export async function lockedTool(name: ToolName, projectRoot: string, instead?: string): Promise<LockedTool> {
  const path = join(projectRoot, 'locks', 'tools.json');
  let entry: z.infer<typeof entrySchema> | undefined;
  try {
    entry = lockSchema.parse(JSON.parse((await readTextIfPresent(path)) ?? 'null')).tools[name];
  } catch (error) {
    throw new LambdaError(`${path} is not a valid lock of tools.`, {
      code: 'LOCK_INVALID',
      category: 'bug',
      actions: ['Restore the file from version control.'],
      cause: error,
    });
  }
  if (entry === undefined) throw new LambdaError(`${path} has no ${name}.`, { code: 'LOCK_INVALID', category: 'bug' });
  const version = instead ?? entry.version;
  const place = goPlatform();
  const fill = (text: string) =>
    text.replaceAll('{version}', version).replaceAll('{os}', place.os).replaceAll('{arch}', place.arch);
  const url = fill(entry.url);
  return {
    name,
    version,
    url,
    checksums: fill(entry.checksums),
    directory: entry.directory === undefined ? null : fill(entry.directory),
    host: new URL(url).host,
  };
}

function goPlatform(): { os: string; arch: string } {
  const [os = '', cpu = ''] = platformName().split('-');
  const arch = { x64: 'amd64', arm64: 'arm64' }[cpu];
  if (arch !== undefined && ['linux', 'darwin'].includes(os)) return { os, arch };
  throw preflightError(`Releases for ${platformName()} are not fetched.`, {
    code: 'PLATFORM_UNSUPPORTED',
    actions: ['Install the tool yourself and put it on PATH.'],
  });
}

/**
 * Fetches the pinned release into `<home>/tools/<name>-<version>` and returns the program's path. The checksum is the one that the
 * project publishes beside the release: it is asked for over TLS at the first fetch, kept in `<home>/tools/lock.json`, and held against
 * every later one. It proves that the download is whole and stays the same, not that the project's own host was honest the first time.
 * @throws LambdaError TOOL_UNREACHABLE, TOOL_CORRUPT, DISK_FULL, HOME_NOT_WRITABLE
 */
export async function fetchTool(tool: LockedTool, options: ToolOptions): Promise<string> {
  const signal = options.signal ?? new AbortController().signal;
  const tools = join(options.home, 'tools');
  const title = `Fetch ${tool.name} ${tool.version}`;
  const context = { emit: options.emit ?? (() => {}), signal };
  return withFileLock(join(tools, `${tool.name}.lock`), { signal }, () =>
    step(context, { id: `tool/${tool.name}`, title }, async () => {
      const target = join(tools, `${tool.name}-${tool.version}`);
      const program = join(target, tool.name);
      // Another lambdactl may have fetched it while this one waited.
      if ((await fileSize(program)) !== undefined) return { value: program, detail: 'already there' };
      const scratch = join(tools, `.fetching-${tool.name}`);
      await makeDirectory(scratch);
      const sha256 = await fetchVerified(tool, scratch, { tools, signal });
      await install(tool, scratch, target);
      return { value: program, detail: `sha256 ${sha256.slice(0, 12)}…` };
    }),
  );
}

interface Places {
  tools: string;
  signal: AbortSignal;
}

const fileOf = (url: string): string => new URL(url).pathname.split('/').at(-1) ?? '';

/** @returns sha256 of what lies in `scratch` under the release's own file name */
async function fetchVerified(tool: LockedTool, scratch: string, { tools, signal }: Places): Promise<string> {
  assertTrusted(tool.url);
  assertTrusted(tool.checksums);
  const part = join(scratch, fileOf(tool.url));
  try {
    const [published, bytes] = await Promise.all([publishedChecksum(tool, signal), sizeOfDownload(tool.url, signal)]);
    const known = (await readPins(tools))[pinName(tool)]?.sha256;
    if (known !== undefined && known !== published) {
      throw corrupt(tool, `its published checksum is ${published.slice(0, 12)}…, it was ${known.slice(0, 12)}… before`);
    }
    await download({ url: tool.url, part, bytes, signal });
    const actual = await hashFile(part);
    if (actual !== published) {
      await removeTree(part);
      throw corrupt(tool, `sha256 is ${actual.slice(0, 12)}…, published is ${published.slice(0, 12)}…`);
    }
    await pin(tool, actual, tools);
    return actual;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof LambdaError ? error : unreachable(tool, error);
  }
}

/** Without TLS anybody on the way could change release and checksum together. */
function assertTrusted(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || hostname === '127.0.0.1') return;
  throw new LambdaError(`${url} is not an https address.`, { code: 'LOCK_INVALID', category: 'bug' });
}

/** Lines of "<sha256>  <file>", or the checksum alone. */
async function publishedChecksum(tool: LockedTool, signal: AbortSignal): Promise<string> {
  const lines = (await textOfDownload(tool.checksums, signal)).split('\n').map((line) => line.trim().split(/\s+\*?/));
  const file = fileOf(tool.url);
  const found =
    lines.find(([, name]) => name?.split('/').at(-1) === file) ?? (lines[0]?.length === 1 ? lines[0] : undefined);
  const sha256 = found?.[0]?.toLowerCase() ?? '';
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw corrupt(tool, `${fileOf(tool.checksums)} holds no sha256 of ${file}`);
}

const pinName = ({ name, version, url }: LockedTool): string => `${name} ${version} ${fileOf(url)}`;

async function readPins(tools: string): Promise<z.infer<typeof pinsSchema>> {
  const text = await readTextIfPresent(join(tools, 'lock.json'));
  // A damaged file of pins must not become a reason to trust whatever comes: it is told, not begun anew.
  const parsed = pinsSchema.safeParse(text === undefined ? {} : parse(text));
  if (parsed.success) return parsed.data;
  throw new LambdaError(`${join(tools, 'lock.json')} cannot be read.`, {
    code: 'STATE_CORRUPT',
    category: 'external',
    actions: ['Move it away: checksums of tools are then taken anew from their releases.'],
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function pin(tool: LockedTool, sha256: string, tools: string): Promise<void> {
  const pins = await readPins(tools);
  if (pins[pinName(tool)] !== undefined) return;
  const pinned = { ...pins, [pinName(tool)]: { url: tool.url, sha256, pinnedAt: new Date().toISOString() } };
  await writeTextAtomically(join(tools, 'lock.json'), `${JSON.stringify(pinned, null, 2)}\n`);
}

/** Beside, then renamed: a half one is never found. */
async function install(tool: LockedTool, scratch: string, target: string): Promise<void> {
  const file = join(scratch, fileOf(tool.url));
  const tree = join(scratch, 'tree');
  await removeTree(tree);
  await makeDirectory(tree);
  const program = join(tree, tool.name);
  if (tool.directory === null) await move(file, program);
  else await unpackTarGz(file, tree, tool.directory);
  if ((await fileSize(program)) === undefined) throw corrupt(tool, `the archive holds no ${tool.name}`);
  await setMode(program, 0o755);
  await makeDirectory(dirname(target));
  await removeTree(target);
  await move(tree, target);
  await removeTree(scratch);
}

function corrupt(tool: LockedTool, reason: string): LambdaError {
  return externalError(`${tool.name} ${tool.version} from ${tool.host} is not what it should be: ${reason}.`, {
    code: 'TOOL_CORRUPT',
    actions: [
      'Try again; if it stays, a proxy in between changes the download, or the release was replaced.',
      `Or install ${tool.name} yourself and put it on PATH.`,
    ],
    details: { url: tool.url },
  });
}

function unreachable(tool: LockedTool, error: unknown): LambdaError {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
  return externalError(
    `${tool.name} ${tool.version} could not be fetched from ${tool.host}: ${messageOf(error)}${cause}.`,
    {
      code: 'TOOL_UNREACHABLE',
      actions: [
        'Check the network connection, HTTPS_PROXY and NODE_EXTRA_CA_CERTS, then run the same command again; it continues.',
        `Or install ${tool.name} yourself and put it on PATH.`,
      ],
      details: { url: tool.url },
      retryable: true,
      cause: error,
    },
  );
}
