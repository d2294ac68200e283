import { join } from 'node:path';
import pLimit from 'p-limit';
import { z } from 'zod';
import {
  hashFile,
  hashSmallFile,
  haveEntries,
  haveSizes,
  listTree,
  readTextIfPresent,
  type TreeEntry,
  treeBytes,
  writeTextAtomically,
} from '../system/store-files.ts';
import type { InstalledArtifact } from './names.ts';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  sha256: z.string().optional(),
  link: z.string().optional(),
});

const manifestSchema = z.object({
  schemaVersion: z.literal(1),
  name: z.string(),
  version: z.string(),
  key: z.string(),
  /** Sum over files. */
  bytes: z.number(),
  /** Below the root. */
  classPath: z.array(z.string()),
  /** What is looked at each time: all files, or the big ones of a tree of many small ones. */
  files: z.array(fileSchema),
  /** Of a tree of many small files: how many entries each directory has at least. All files are then in manifest.files.json. */
  directories: z.array(z.tuple([z.string(), z.number()])).optional(),
});

/** What is in an installed artifact; its presence says that the installation was completed. */
export type Manifest = z.infer<typeof manifestSchema>;

const fileName = 'manifest.json';
const allFilesName = 'manifest.files.json';

const isBytecode = (path: string) => /(^|\/)__pycache__\/[^/]+$/.test(path);

/** Beyond so many files, looking at each would take longer than the rest of `up` on a stack that runs. */
const manyFiles = 2000;
/** Libraries, in which a cut-off file is most of the bytes; there are some hundred in a tree of 20,000 files. */
const bigFile = 256 * 1024;

/** Records a complete tree. Called as the last step before the tree is renamed into its place. */
export async function writeManifest(
  root: string,
  about: Pick<Manifest, 'name' | 'version' | 'key' | 'classPath'>,
): Promise<Manifest> {
  const entries = (await listTree(root)).filter(({ path }) => path !== fileName && path !== allFilesName);
  const limit = pLimit(8);
  const files = await limit.map(entries, async ({ path, bytes, link }) =>
    link === undefined ? { path, bytes, sha256: await digest(join(root, path), bytes) } : { path, bytes, link },
  );
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const manifest: Manifest =
    files.length <= manyFiles
      ? { schemaVersion: 1, ...about, bytes, files }
      : {
          ...{ schemaVersion: 1, ...about, bytes },
          files: files.filter((file) => file.bytes >= bigFile),
          directories: countEntries(entries),
        };
  if (manifest.directories !== undefined) await writeTextAtomically(join(root, allFilesName), JSON.stringify(files));
  await writeTextAtomically(join(root, fileName), `${JSON.stringify(manifest)}\n`);
  return manifest;
}

const digest = (path: string, bytes: number) => (bytes < bigFile ? hashSmallFile(path) : hashFile(path));

/** Names in each directory but those of bytecode, which is only faster; the root gets the manifest's two files besides. */
function countEntries(entries: readonly TreeEntry[]): [string, number][] {
  const names = new Map<string, Set<string>>([['', new Set()]]);
  for (const { path } of entries) {
    const parts = path.split('/');
    for (let depth = 0; depth < parts.length; depth++) {
      if (parts[depth - 1] === '__pycache__') break;
      const directory = parts.slice(0, depth).join('/');
      const known = names.get(directory) ?? new Set();
      names.set(directory, known.add(parts[depth] ?? ''));
    }
  }
  return [...names].map(([path, { size }]) => [path, size]);
}

/**
 * The manifest of a completed artifact that looks whole; undefined otherwise. Reads no content: files are there in their sizes;
 * of a tree of many files only the big ones, and no directory has lost an entry.
 */
export async function readManifest(root: string): Promise<Manifest | undefined> {
  const manifest = await parseManifest(root);
  if (manifest === undefined || !haveSizes(root, manifest.files)) return undefined;
  return haveEntries(root, manifest.directories ?? []) ? manifest : undefined;
}

/** The manifest alone; undefined where there is none or it is not readable as one. */
export async function parseManifest(root: string): Promise<Manifest | undefined> {
  try {
    return manifestSchema.parse(JSON.parse((await readTextIfPresent(join(root, fileName))) ?? 'null'));
  } catch {
    return undefined;
  }
}

async function allFiles(root: string, manifest: Manifest): Promise<Manifest['files'] | undefined> {
  if (manifest.directories === undefined) return manifest.files;
  try {
    return z.array(fileSchema).parse(JSON.parse((await readTextIfPresent(join(root, allFilesName))) ?? 'null'));
  } catch {
    return undefined;
  }
}

/** Compares every file with what was recorded; one line per difference. */
export async function problemsOf(root: string): Promise<string[]> {
  const manifest = await parseManifest(root);
  if (manifest === undefined) return ['manifest.json is missing or damaged'];
  const files = await allFiles(root, manifest);
  if (files === undefined) return [`${allFilesName} is missing or damaged`];
  const recorded = new Map(files.map((file) => [file.path, file]));
  const problems: string[] = [];
  for (const { path, bytes, link } of await listTree(root)) {
    const file = recorded.get(path);
    recorded.delete(path);
    if (path === fileName || path === allFilesName) continue;
    if (file === undefined) {
      // Python writes bytecode where it finds none that fits; it changes nothing of what is installed.
      if (!isBytecode(path)) problems.push(`${path} does not belong there`);
    } else if (file.link !== link) problems.push(`${path} points elsewhere`);
    else if (file.bytes !== bytes) problems.push(`${path} has ${bytes} bytes instead of ${file.bytes}`);
    else if (file.sha256 !== undefined && (await digest(join(root, path), bytes)) !== file.sha256)
      problems.push(`${path} has another content`);
  }
  for (const path of recorded.keys()) problems.push(`${path} is missing`);
  return problems;
}

export function installedFrom(root: string, manifest: Manifest): InstalledArtifact {
  return { root, classPath: manifest.classPath.map((path) => join(root, path)) };
}

/** Bytes of a directory: of its manifest where it has one, counted otherwise. */
export async function bytesOf(root: string): Promise<number> {
  return (await parseManifest(root))?.bytes ?? treeBytes(root);
}
