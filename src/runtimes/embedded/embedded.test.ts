import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isRunning, tempDir, until } from '../../../test/support/supervisor.ts';
import type { ComponentDefinition, RenderContext } from '../../components/contract.ts';
import type { OperationEvent } from '../../core/events.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { resolveProfile } from '../../platform/profile.ts';
import { updateDesired } from '../../state/desired.ts';
import { readObserved } from '../../state/observed.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import { ensureSecrets } from '../../state/secrets.ts';
import { leftovers } from '../../supervisor/reap.ts';
import { createEmbeddedRuntime, ownProcesses } from './runtime.ts';

const projectRoot = join(import.meta.dirname, '../../..');
const profile = await resolveProfile('lite', async () => ({
  path: 'profiles/lite.yaml',
  text: readFileSync(join(projectRoot, 'profiles/lite.yaml'), 'utf8'),
}));

interface Fake {
  name: ComponentName;
  dependsOn?: ComponentName[];
  instances?: string[];
  script?: string;
  greeting?: string;
}

/** A component whose service is a shell script; healthy when the script has made `up` in its run directory. */
function component(fake: Fake): ComponentDefinition {
  const { name, dependsOn = [], instances = [name], greeting = 'hello' } = fake;
  const script = fake.script ?? 'cat "$CONF"; touch up; sleep 600 & wait';
  const render = (context: RenderContext, instance: string) => {
    const run = context.dir(instance, 'run');
    const path = join(context.dir(instance, 'conf'), 'sub/service.conf');
    const content = context.template('service.conf', { greeting, port: context.port(`${name}.main`) });
    return {
      files: [{ path, content, mode: 0o600 }],
      service: {
        name: instance,
        component: name,
        command: {
          executable: '/bin/sh',
          args: ['-c', script],
          env: { CONF: path, SECRET: context.secret(`${name}.user`) },
          cwd: run,
        },
        prepare: [],
        stopSignal: 'SIGTERM' as const,
        stopGraceMs: 2_000,
        probe: { kind: 'http' as const, url: `file:${run}/up`, expectStatus: 200 },
        startTimeoutMs: 10_000,
        probeIntervalMs: 50,
        memoryBytes: 1,
      },
    };
  };
  return {
    name,
    title: name,
    dependsOn,
    artifacts: [],
    instances: () => instances,
    ports: () => [{ id: `${name}.main`, instance: name, preferred: 1 }],
    credentials: [{ id: `${name}.user`, user: 'me', kind: 'password' }],
    render,
    endpoints: (context) => [
      {
        component: name,
        protocol: 'sql',
        url: `postgresql://${context.hostOf(name)}:${context.port(`${name}.main`)}/db`,
        credential: `${name}.user`,
        description: 'test',
      },
    ],
  };
}

/** A stack that `up` has decided on, with a daemon that knows the probe of these tests; ended after the test. */
async function stack(...fakes: Fake[]) {
  const root = tempDir();
  const home = join(root, 'home');
  const paths = stackPaths(home, 'default');
  mkdirSync(join(root, 'templates'));
  writeFileSync(join(root, 'templates/service.conf'), 'greeting=<%= it.greeting %>\nport=<%= it.port %>\n');
  const daemon = join(root, 'daemon.mjs');
  writeFileSync(
    daemon,
    `import { readFileSync } from 'node:fs';
import { runStackSupervisor } from ${JSON.stringify(join(import.meta.dirname, 'stack-supervisor.ts'))};
runStackSupervisor(process.argv.slice(2), async ({ url }) => {
  readFileSync(url.slice('file:'.length));
  return { healthy: true, detail: 'answers', latencyMs: 0 };
});`,
  );
  await createStackDirs(paths);
  const context = { emit: () => {}, signal: new AbortController().signal };
  const runtimeOf = (...changed: Fake[]) => {
    const components = changed.map(component);
    const desired = { stack: 'default', profile, components };
    return {
      desired,
      runtime: createEmbeddedRuntime({
        home,
        stack: 'default',
        projectRoot: root,
        version: 'test',
        components,
        artifacts: null,
        python: '/usr/bin/python3',
        daemon,
      }),
    };
  };
  const names = fakes.map(({ name }) => name);
  await updateDesired(paths, {
    profile,
    components: names,
    ports: Object.fromEntries(names.map((name, index) => [`${name}.main`, 7000 + index])),
  });
  await ensureSecrets(
    paths,
    names.map((name) => ({ id: `${name}.user`, user: 'me', kind: 'password' })),
  );
  const first = runtimeOf(...fakes);
  onTestFinished(() => first.runtime.stop(undefined, context));
  return { home, paths, context, runtimeOf, ...first };
}

describe('the embedded runtime', () => {
  it('starts what is wanted, keeps it, replaces what changed, and stops without a trace', async () => {
    const { runtime, desired, runtimeOf, paths, context, home } = await stack({ name: 'postgres' });
    expect(await runtime.plan(desired)).toMatchObject([{ instance: 'postgres', action: 'start' }]);
    expect(await runtime.observe()).toMatchObject({ profile: 'lite', supervisorPid: null, services: [] });
    await runtime.start('postgres', context);
    const conf = paths.dir('postgres', 'conf');
    expect(readFileSync(join(conf, 'sub/service.conf'), 'utf8')).toBe('greeting=hello\nport=7000\n');
    expect(statSync(join(conf, 'sub/service.conf')).mode & 0o777).toBe(0o600);
    expect(statSync(paths.dir('postgres', 'data')).mode & 0o777).toBe(0o700);
    const observed = await runtime.observe();
    const [service] = observed.services;
    expect(service).toMatchObject({ name: 'postgres', state: 'healthy', lastProbe: { detail: 'answers' } });
    expect(observed.supervisorPssBytes).toBeGreaterThan(1_000_000);
    expect(readFileSync(paths.observedFile, 'utf8')).not.toContain('SECRET');
    expect((await ownProcesses(home, 'default')).has(service?.pid ?? 0)).toBe(true);

    expect(await runtime.plan(desired)).toMatchObject([{ action: 'keep' }]);
    await runtime.start('postgres', context);
    expect((await runtime.observe()).services[0]?.pid).toBe(service?.pid);

    const changed = runtimeOf({ name: 'postgres', greeting: 'bye' });
    expect(await changed.runtime.plan(changed.desired)).toMatchObject([
      { action: 'restart', reason: 'its configuration changed' },
    ]);
    await changed.runtime.start('postgres', context);
    const pids = [
      observed.supervisorPid,
      (await readObserved(paths))?.guard?.pid,
      (await runtime.observe()).services[0]?.pid,
    ];
    expect(pids).not.toContain(service?.pid);
    await runtime.stop(undefined, context);
    expect(pids.some((pid) => isRunning(pid ?? 0))).toBe(false);
    expect(existsSync(paths.socket)).toBe(false);
    expect(await runtime.observe()).toMatchObject({ supervisorPid: null, services: [{ state: 'stopped', pid: null }] });
  });

  it('stops dependents first, and the supervisor with the last one', async () => {
    const tell = (name: string) =>
      `trap 'echo ${name} >> ../../ends; exit 0' TERM; touch up; while :; do sleep 0.05; done`;
    const { runtime, paths, context } = await stack(
      { name: 'postgres', script: tell('postgres') },
      { name: 'kafka', script: tell('kafka') },
      { name: 'connect', dependsOn: ['postgres', 'kafka'], script: tell('connect') },
    );
    await Promise.all((['postgres', 'kafka', 'connect'] as const).map((name) => runtime.start(name, context)));
    const { supervisorPid } = await runtime.observe();
    await runtime.stop(['kafka'], context);
    expect((await runtime.observe()).services.map(({ state }) => state).sort()).toEqual([
      'healthy',
      'healthy',
      'stopped',
    ]);
    await runtime.start('kafka', context);
    expect((await runtime.observe()).supervisorPid).toBe(supervisorPid);
    await runtime.stop(undefined, context);
    expect(readFileSync(join(paths.stackDir, 'ends'), 'utf8')).toMatch(
      /^kafka\nconnect\n(kafka\npostgres|postgres\nkafka)\n$/,
    );
    expect(isRunning(supervisorPid ?? 0)).toBe(false);
  });

  it('says what a failing component said', async () => {
    const { runtime, context } = await stack({ name: 'kafka', script: 'echo "no such setting: x" >&2; exit 3' });
    await expect(runtime.start('kafka', context)).rejects.toMatchObject({
      code: 'COMPONENT_FAILED',
      message: expect.stringMatching(/^kafka ended 3 times in a row: exited with code 3.*\n {2}no such setting: x/),
      actions: expect.arrayContaining([expect.stringContaining('lambdactl logs kafka')]),
    });
  });

  it('stops waiting at the signal and leaves running what started', async () => {
    const { runtime, context } = await stack({ name: 'kafka', script: 'sleep 600' });
    const controller = new AbortController();
    const emit = (event: OperationEvent) => {
      expect(event).toMatchObject({ type: 'progress', id: 'start/kafka', done: 0, total: 1, unit: 'items' });
      if (event.type === 'progress' && /^starting 0 s: ENOENT/.test(event.detail ?? ''))
        controller.abort(new Error('enough'));
    };
    await expect(runtime.start('kafka', { emit, signal: controller.signal })).rejects.toThrow('enough');
    expect((await runtime.observe()).services).toMatchObject([{ state: 'starting' }]);
    await runtime.stop(undefined, context);
  });

  it('tells and repairs what a killed supervisor left', async () => {
    const { runtime, desired, paths, context } = await stack({ name: 'postgres' });
    await runtime.start('postgres', context);
    const recorded = () =>
      until(async () => {
        const record = await readObserved(paths);
        return record?.services[0]?.status.state === 'healthy' && record;
      });
    const before = await recorded();
    const pid = before.services[0]?.status.pid ?? 0;
    process.kill(before.supervisor?.pid ?? 0, 'SIGKILL');
    await until(() => leftovers(before).length === 0);
    const observed = await runtime.observe();
    expect(observed).toMatchObject({ supervisorPid: null, services: [{ state: 'stopped', pid: null }] });
    expect(observed.services[0]?.detail).toContain(`pid ${pid} is dead`);
    expect(await runtime.plan(desired)).toMatchObject([{ action: 'start' }]);
    await runtime.start('postgres', context);
    expect((await runtime.observe()).services).toMatchObject([{ state: 'healthy' }]);
    process.kill((await recorded()).supervisor?.pid ?? 0, 'SIGKILL');
    await runtime.stop(undefined, context);
    expect(await readObserved(paths)).toMatchObject({ supervisor: null, services: [{ status: { state: 'stopped' } }] });
  });

  it('ends a supervisor that hangs', async () => {
    const { runtime, context } = await stack({ name: 'postgres' });
    await runtime.start('postgres', context);
    const { supervisorPid, services } = await runtime.observe();
    process.kill(supervisorPid ?? 0, 'SIGSTOP');
    const stopping = runtime.stop(undefined, { ...context, signal: new AbortController().signal });
    // It gets its chance to end well after it was found silent.
    setTimeout(() => process.kill(supervisorPid ?? 0, 'SIGCONT'), 200);
    await stopping;
    expect(isRunning(services[0]?.pid ?? 0)).toBe(false);
  });

  it('stops instances that the profile has no longer', async () => {
    const { runtime, runtimeOf, context } = await stack({ name: 'kafka', instances: ['kafka-1', 'kafka-2'] });
    await runtime.start('kafka', context);
    const { runtime: smaller, desired } = runtimeOf({ name: 'kafka', instances: ['kafka-1'] });
    expect(await smaller.plan(desired)).toMatchObject([
      { instance: 'kafka-1', action: 'keep' },
      { instance: 'kafka-2', action: 'stop' },
    ]);
    await smaller.start('kafka', context);
    expect((await smaller.observe()).services.map(({ state }) => state)).toEqual(['healthy', 'stopped']);
  });

  it('tells endpoints with their credentials, and NOT_UP before', async () => {
    const { runtime, paths, context } = await stack({ name: 'postgres' });
    expect(await runtime.endpoint('postgres', 'sql')).toMatchObject({
      host: '127.0.0.1',
      port: 7000,
      user: 'me',
      password: expect.stringMatching(/.{24}/),
    });
    expect(await runtime.endpoints()).toHaveLength(1);
    rmSync(paths.desiredFile);
    await expect(runtime.endpoints()).rejects.toMatchObject({ code: 'NOT_UP' });
    await expect(runtime.start('postgres', context)).rejects.toMatchObject({ code: 'NOT_UP' });
  });

  it('says what a stack does not have', async () => {
    const { runtime, paths } = await stack({ name: 'postgres' }, { name: 'kafka' });
    await updateDesired(paths, { components: ['postgres'] });
    await expect(runtime.endpoint('kafka', 'sql')).rejects.toMatchObject({
      code: 'NOT_UP',
      category: 'preflight',
      message: 'Stack "default" has no kafka.',
      actions: ['Bring it up as well: lambdactl up'],
    });
    // Of a component that is there, a protocol that is not is a bug.
    await expect(runtime.endpoint('postgres', 'http')).rejects.not.toMatchObject({ code: 'NOT_UP' });
  });

  it('destroys a stopped stack only', async () => {
    const { runtime, paths, context } = await stack({ name: 'postgres' });
    await runtime.start('postgres', context);
    await expect(runtime.destroy(context)).rejects.toMatchObject({ code: 'STACK_RUNNING' });
    await runtime.stop(undefined, context);
    await runtime.destroy(context);
    expect(
      existsSync(paths.desiredFile) || existsSync(paths.secretsFile) || existsSync(paths.dir('postgres', 'data')),
    ).toBe(false);
  });
});
