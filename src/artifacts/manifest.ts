import { join } from 'node:path';
import { z } from 'zod';
import {
  hashFile,
  haveSizes,
  listTree,
  readTextIfPresent,
  treeBytes,
  writeTextAtomically,
} from '../system/store-files.ts';
import type { InstalledArtifact } from './names.ts';

const manifestSchema = z.object({
  schemaVersion: z.literal(1),
  name: z.string(),
  version: z.string(),
  key: z.string(),
  /** Sum over files. */
  bytes: z.number(),
  /** Below the root. */
  classPath: z.array(z.string()),
  files: z.array(
    z.object({ path: z.string(), bytes: z.number(), sha256: z.string().optional(), link: z.string().optional() }),
  ),
});

/** What is in an installed artifact; its presence says that the installation was completed. */
export type Manifest = z.infer<typeof manifestSchema>;

const fileName = 'manifest.json';

/** Records a complete tree. Called as the last step before the tree is renamed into its place. */
export async function writeManifest(
  root: string,
  about: Pick<Manifest, 'name' | 'version' | 'key' | 'classPath'>,
): Promise<Manifest> {
  const files: Manifest['files'] = [];
  for (const { path, bytes, link } of await listTree(root)) {
    if (path === fileName) continue;
    files.push(link === undefined ? { path, bytes, sha256: await hashFile(join(root, path)) } : { path, bytes, link });
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const manifest: Manifest = { schemaVersion: 1, ...about, bytes, files };
  await writeTextAtomically(join(root, fileName), `${JSON.stringify(manifest)}\n`);
  return manifest;
}

/** The manifest of a completed artifact whose files are all there in their sizes; undefined otherwise. Reads no content. */
export async function readManifest(root: string): Promise<Manifest | undefined> {
  const manifest = await parseManifest(root);
  return manifest !== undefined && haveSizes(root, manifest.files) ? manifest : undefined;
}

/** The manifest alone; undefined where there is none or it is not readable as one. */
export async function parseManifest(root: string): Promise<Manifest | undefined> {
  try {
    return manifestSchema.parse(JSON.parse((await readTextIfPresent(join(root, fileName))) ?? 'null'));
  } catch {
    return undefined;
  }
}

/** Compares every file with what was recorded; one line per difference. */
export async function problemsOf(root: string): Promise<string[]> {
  const manifest = await parseManifest(root);
  if (manifest === undefined) return ['manifest.json is missing or damaged'];
  const recorded = new Map(manifest.files.map((file) => [file.path, file]));
  const problems: string[] = [];
  for (const { path, bytes, link } of await listTree(root)) {
    const file = recorded.get(path);
    recorded.delete(path);
    if (path === fileName) continue;
    if (file === undefined) problems.push(`${path} does not belong there`);
    else if (file.link !== link) problems.push(`${path} points elsewhere`);
    else if (file.bytes !== bytes) problems.push(`${path} has ${bytes} bytes instead of ${file.bytes}`);
    else if (file.sha256 !== undefined && (await hashFile(join(root, path))) !== file.sha256)
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
