import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildJar, compiledAgainst, readJavaSources } from './java-build.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'lambdactl-job-'));
  for (const path of ['dags-repo/spark/src/a', 'jre/bin', 'tree', 'work'])
    mkdirSync(join(scratch, path), { recursive: true });
  source('a/Job.java', 'class Job {}');
  source('log.properties', 'level = warn');
  // Stands for the compiler: a source becomes a class of the same content, the word ERROR does not compile.
  const java = `#!/bin/sh
while [ $# -gt 0 ]; do case $1 in -cp) [ "$2" = /a.jar:/b.jar ] || exit 9;; -d) out=$2;; @*) list=\${1#@};; esac; shift; done
tr -d '"' < "$list" > "$list.plain"; echo >> "$list.plain"
while read -r file; do [ -z "$file" ] && continue
  if grep -q ERROR "$file"; then echo "1. ERROR in $file (at line 1)" >&2; exit 255; fi
  mkdir -p "$out/a"; cp "$file" "$out/a/$(basename "$file" .java).class"; done < "$list.plain"`;
  writeFileSync(join(scratch, 'jre', 'bin', 'java'), java);
  chmodSync(join(scratch, 'jre', 'bin', 'java'), 0o755);
});
afterEach(() => rmSync(scratch, { recursive: true }));

const source = (path: string, text: string) => writeFileSync(join(scratch, 'dags-repo/spark/src', path), text);
const build = async () => {
  const jre = { root: join(scratch, 'jre'), classPath: [] };
  const places = { scratch: join(scratch, 'work'), tree: join(scratch, 'tree') };
  const sources = await readJavaSources(scratch, 'speed-job');
  await buildJar(sources, { jre, ecj: jre, classPath: ['/a.jar', '/b.jar'] }, places, new AbortController().signal);
  return readFileSync(join(scratch, 'tree', 'speed-job.jar'));
};

it('puts classes and resources into a jar that is the same for the same sources', async () => {
  const first = await build();
  expect(Object.keys(unzipSync(first))).toEqual(['a/Job.class', 'log.properties']);
  await new Promise((resolve) => setTimeout(resolve, 10));
  source('a/Job.java', 'class Job {}');
  expect(await build()).toEqual(first);
});

it('has another hash when any source changes, moves or is added', async () => {
  const { hash } = await readJavaSources(scratch, 'speed-job');
  expect((await readJavaSources(scratch, 'speed-job')).hash).toBe(hash);
  source('log.properties', 'level = info');
  const changed = (await readJavaSources(scratch, 'speed-job')).hash;
  source('a/More.java', '');
  const added = (await readJavaSources(scratch, 'speed-job')).hash;
  expect(new Set([hash, changed, added]).size).toBe(3);
});

it('shows what does not compile, by its path in the project', async () => {
  source('a/Bad.java', 'ERROR');
  await expect(build()).rejects.toMatchObject({
    code: 'JOB_COMPILE',
    exitCode: 2,
    message: 'speed-job does not compile:\n1. ERROR in a/Bad.java (at line 1)',
  });
});

it('says that the sources are missing', async () => {
  rmSync(join(scratch, 'dags-repo'), { recursive: true });
  await expect(build()).rejects.toMatchObject({ code: 'JOB_SOURCES_MISSING' });
});

it('gives every built artifact its own folder, jar and class path', async () => {
  mkdirSync(join(scratch, 'dags-repo/connect/src/a'), { recursive: true });
  writeFileSync(join(scratch, 'dags-repo/connect/src/a/Transform.java'), 'class Transform {}');
  const sources = await readJavaSources(scratch, 'connect-transforms');
  expect(sources.files).toEqual(['a/Transform.java']);
  const jre = { root: join(scratch, 'jre'), classPath: [] };
  const places = { scratch: join(scratch, 'work'), tree: join(scratch, 'tree') };
  const tools = { jre, ecj: jre, classPath: ['/a.jar', '/b.jar'] };
  expect(await buildJar(sources, tools, places, new AbortController().signal)).toEqual(['connect-transforms.jar']);
  expect(compiledAgainst('connect-transforms')).toEqual(['kafka', 'iceberg-sink']);
  expect(compiledAgainst('speed-job')).toEqual(['spark', 'iceberg-spark']);
});
