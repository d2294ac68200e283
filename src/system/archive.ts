import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, inflateRaw } from 'node:zlib';
import { zipSync } from 'fflate';
import { c, x } from 'tar';

const inflate = promisify(inflateRaw);

/**
 * Unpacks the part of a .tar.gz below `subdirectory` ('' = all) into an existing directory.
 * @throws on a damaged archive or an entry that would leave the directory.
 */
export async function unpackTarGz(file: string, target: string, subdirectory = ''): Promise<void> {
  const prefix = subdirectory === '' ? '' : `${subdirectory}/`;
  const extract = x({
    cwd: target,
    strict: true,
    preserveOwner: false,
    strip: prefix.split('/').length - 1,
    filter: (path) => path.replace(/^\.\//, '').startsWith(prefix),
  });
  // Unzipped in big chunks, which takes half the time of tar's own way.
  const chunk = 1 << 20;
  await pipeline(createReadStream(file, { highWaterMark: chunk }), createGunzip({ chunkSize: chunk }), extract);
}

interface ZipEntry {
  name: string;
  method: number;
  compressedSize: number;
  /** Of the entry's local header. */
  offset: number;
  mode: number;
}

/**
 * Unpacks the part of a zip (a wheel) below `subdirectory` into an existing directory, keeping Unix permissions,
 * which neither Python's zipfile nor fflate do. No zip64, no encryption: wheels have neither.
 */
export async function unpackZip(file: string, target: string, subdirectory = ''): Promise<void> {
  const archive = await readFile(file);
  const prefix = subdirectory === '' ? '' : `${subdirectory}/`;
  for (const entry of centralDirectory(archive)) {
    if (!entry.name.startsWith(prefix) || entry.name.endsWith('/')) continue;
    const path = normalize(join(target, entry.name.slice(prefix.length)));
    if (!path.startsWith(normalize(target) + sep)) throw new Error(`${entry.name} points out of the archive`);
    const start = entry.offset + 30 + archive.readUInt16LE(entry.offset + 26) + archive.readUInt16LE(entry.offset + 28);
    const packed = archive.subarray(start, start + entry.compressedSize);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, entry.method === 0 ? packed : await inflate(packed), { mode: entry.mode });
  }
}

function centralDirectory(archive: Buffer): ZipEntry[] {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06'));
  if (end < 0) throw new Error('not a zip file, or cut off');
  const count = archive.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error('the zip directory is damaged');
    const nameLength = archive.readUInt16LE(at + 28);
    const unixMode = (archive.readUInt32LE(at + 38) >>> 16) & 0o777;
    entries.push({
      name: archive.toString('utf8', at + 46, at + 46 + nameLength),
      method: archive.readUInt16LE(at + 10),
      compressedSize: archive.readUInt32LE(at + 20),
      offset: archive.readUInt32LE(at + 42),
      mode: unixMode === 0 ? 0o644 : unixMode,
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

/** Writes a zip (a jar) whose bytes depend on names and contents only: sorted entries, a fixed date. */
export async function writeZip(file: string, entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const zipped = zipSync(Object.fromEntries(sorted), { mtime: new Date(1980, 0, 1), level: 6 });
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(zipped);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Packs everything below `directory` into a .tar.gz that only this user can read, written beside and renamed. Owners and machine-specific
 * facts are left out.
 * @returns its size in bytes
 */
export async function packTarGz(file: string, directory: string, names: readonly string[]): Promise<number> {
  const beside = `${file}.${process.pid}.part`;
  try {
    await pipeline(
      c({ gzip: true, cwd: directory, portable: true, follow: false }, [...names]),
      createWriteStream(beside, { mode: 0o600, flags: 'wx' }),
    );
    await rename(beside, file);
    return (await stat(file)).size;
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
