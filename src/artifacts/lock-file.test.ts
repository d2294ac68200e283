import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isBuilt } from './java-build.ts';
import { lockedArtifact, readLockFile } from './lock-file.ts';
import { parseCoordinate } from './maven.ts';
import { artifactNames, withNeeds } from './names.ts';

const root = join(import.meta.dirname, '../..');
const downloaded = artifactNames.filter((name) => !isBuilt(name));

it('locks every artifact, and what is wanted in its version', async () => {
  const lock = await readLockFile(root);
  const wanted: Record<string, { version: string }> = JSON.parse(
    readFileSync(join(root, 'locks', 'wanted.json'), 'utf8'),
  );
  expect(Object.keys(lock.artifacts).sort()).toEqual([...downloaded].sort());
  for (const name of downloaded) {
    expect(lock.artifacts[name]?.version).toBe(wanted[name]?.version);
    const { downloadBytes, installedBytes, key } = lockedArtifact(lock, name, 'linux-x64', '3.12');
    expect(downloadBytes).toBeGreaterThan(1_000_000);
    expect(installedBytes).toBeGreaterThanOrEqual(downloadBytes);
    expect(key).toMatch(/^[\w.-]+-[0-9a-f]{10}(-py3\.12)?$/);
  }
});

it('names no host', () => {
  for (const entry of readdirSync(join(root, 'locks'), { recursive: true, withFileTypes: true })) {
    // Releases of kind, helm and their like are in no registry; they are fetched by their address, and only when the user agrees.
    if (entry.isFile() && entry.name !== 'tools.json')
      expect(readFileSync(join(entry.parentPath, entry.name), 'utf8')).not.toContain('://');
  }
});

it('gives jars of one artifact distinct names, and each platform its own', async () => {
  const lock = await readLockFile(root);
  for (const platform of ['linux-x64', 'linux-arm64']) {
    for (const name of ['kafka', 'spark', 'iceberg-sink', 'iceberg-spark'] as const) {
      const { source } = lockedArtifact(lock, name, platform, '');
      if (source.kind !== 'maven') throw new Error(`${name} comes from ${source.kind}`);
      const files = source.files.map(({ coordinate }) => parseCoordinate(coordinate).path.split('/').at(-1));
      expect(new Set(files).size).toBe(files.length);
      const foreign = platform === 'linux-x64' ? /aarch_64|osx|windows/ : /x86_64|osx|windows/;
      expect(files.filter((file) => foreign.test(file ?? ''))).toEqual([]);
    }
  }
});

it('says where a missing platform is available', async () => {
  const lock = await readLockFile(root);
  expect(() => lockedArtifact(lock, 'clickhouse', 'plan9-mips', '')).toThrow(
    expect.objectContaining({ code: 'PLATFORM_UNSUPPORTED', actions: [expect.stringContaining('linux-x64')] }),
  );
});

it('makes a set of packages for one Python, from the list it was locked with', async () => {
  const lock = await readLockFile(root);
  for (const name of ['warehouse-python', 'airflow-python'] as const) {
    const keys = ['3.11', '3.12', '3.13'].map((python) => lockedArtifact(lock, name, 'linux-x64', python).key);
    expect(new Set(keys).size).toBe(3);
    const { source } = lockedArtifact(lock, name, 'linux-x64', '3.11');
    const list = readFileSync(join(root, 'locks', 'python', `${name}.txt`));
    expect(source).toMatchObject({ kind: 'python', sha256: createHash('sha256').update(list).digest('hex') });
    expect(() => lockedArtifact(lock, name, 'linux-x64', '3.99')).toThrow(
      expect.objectContaining({ code: 'PYTHON_UNSUPPORTED', actions: [expect.stringContaining('3.11, 3.12, 3.13')] }),
    );
  }
});

it('reports a missing or broken lock file as ours', async () => {
  await expect(readLockFile(import.meta.dirname)).rejects.toMatchObject({ code: 'LOCK_INVALID', category: 'bug' });
});

it('puts needs before what needs them', () => {
  expect(withNeeds(['speed-job', 'spark'])).toEqual(['jre', 'ecj', 'spark', 'iceberg-spark', 'speed-job']);
});
