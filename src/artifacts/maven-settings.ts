import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { preflightError } from '../core/errors.ts';
import { homeDirectory, readTextIfPresent } from '../system/store-files.ts';
import { defaultMavenBase } from './maven.ts';

/** Where jars come from on this machine. */
export interface MavenSource {
  /** Ends in "/". */
  base: string;
  headers: Readonly<Record<string, string>>;
  /** Maven's own repository of this user, looked into before anything is fetched. */
  localRepository: string;
}

interface Mirror {
  id: string;
  mirrorOf: string;
  url: string;
}

type Tree = Record<string, unknown>;

/**
 * LAMBDACTL_MAVEN_MIRROR, or the mirror of ~/.m2/settings.xml that stands for "central", or the default repository.
 * @throws preflight error MAVEN_SETTINGS_INVALID
 */
export async function mavenSource(env: NodeJS.ProcessEnv = process.env, home = homeDirectory()): Promise<MavenSource> {
  const path = join(home, '.m2', 'settings.xml');
  const settings = parse(path, await readTextIfPresent(path), env, home);
  const localRepository = text(settings.localRepository) || join(home, '.m2', 'repository');
  if (env.LAMBDACTL_MAVEN_MIRROR) return { ...splitCredentials(env.LAMBDACTL_MAVEN_MIRROR, path), localRepository };
  const mirror = mirrorFor(mirrorsOf(settings));
  if (mirror === undefined) return { base: await defaultMavenBase(), headers: {}, localRepository };
  const { base, headers } = splitCredentials(mirror.url, path);
  return { base, headers: { ...headers, ...serverHeaders(settings, mirror.id, path) }, localRepository };
}

/** Maven's own rule: a mirror of exactly "central" first, then the first whose pattern matches. */
export function mirrorFor(mirrors: readonly Mirror[]): Mirror | undefined {
  return (
    mirrors.find(({ mirrorOf }) => mirrorOf === 'central') ?? mirrors.find(({ mirrorOf }) => matchesCentral(mirrorOf))
  );
}

/** Central is external and served over https; "!central" excludes it wherever it stands in the list. */
export function matchesCentral(mirrorOf: string): boolean {
  const patterns = mirrorOf.split(',').map((each) => each.trim());
  if (patterns.includes('!central')) return false;
  return patterns.some((each) => each === '*' || each === 'external:*' || each === 'central');
}

function mirrorsOf(settings: Tree): Mirror[] {
  return list(tree(settings.mirrors).mirror)
    .map((each) => ({ id: text(each.id), mirrorOf: text(each.mirrorOf), url: text(each.url) }))
    .filter(({ url, mirrorOf }) => url !== '' && mirrorOf !== '');
}

function serverHeaders(settings: Tree, id: string, path: string): Record<string, string> {
  const server = list(tree(settings.servers).server).find((each) => text(each.id) === id);
  if (server === undefined) return {};
  const headers: Record<string, string> = {};
  for (const property of list(tree(tree(server.configuration).httpHeaders).property)) {
    headers[text(property.name).toLowerCase()] = text(property.value);
  }
  const [username, password] = [text(server.username), text(server.password)];
  if (/^\{.+\}$/.test(password)) {
    throw invalid(path, `the password of server "${id}" is encrypted, and only Maven can read it`);
  }
  if (username !== '') headers.authorization = basic(username, password);
  return headers;
}

/** fetch refuses addresses that carry a user and password: they become a header. */
function splitCredentials(address: string, path: string): { base: string; headers: Record<string, string> } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(path, 'the mirror is not an http or https address');
  }
  const headers: Record<string, string> = {};
  if (url.username !== '') {
    headers.authorization = basic(decodeURIComponent(url.username), decodeURIComponent(url.password));
  }
  url.username = '';
  url.password = '';
  return { base: url.href.replace(/\/*$/, '/'), headers };
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

function parse(path: string, xml: string | undefined, env: NodeJS.ProcessEnv, home: string): Tree {
  if (xml === undefined) return {};
  const resolved = xml.replace(/\$\{(env\.(\w+)|user\.home)\}/g, (_, name: string, variable?: string) =>
    name === 'user.home' ? home : (env[variable ?? ''] ?? ''),
  );
  try {
    return tree(tree(new XMLParser({ parseTagValue: false }).parse(resolved, true)).settings);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

function invalid(path: string, reason: string) {
  return preflightError(`The Maven configuration cannot be used: ${reason}.`, {
    code: 'MAVEN_SETTINGS_INVALID',
    actions: [
      `Correct ${path}, or name a mirror in LAMBDACTL_MAVEN_MIRROR (user and password may stand in the address).`,
    ],
    details: { path },
  });
}

const tree = (value: unknown): Tree => (isTree(value) ? value : {});
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): Tree[] => (Array.isArray(value) ? value : [value]).filter(isTree);
const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
