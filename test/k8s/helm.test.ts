import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HelmRelease } from '../../src/components/kubernetes.ts';
import type { OperationContext } from '../../src/core/events.ts';
import { Helm, type HelmOptions } from '../../src/runtimes/kubernetes/helm.ts';
import { describeOnCluster, useCluster } from './support.ts';

const context: OperationContext = { emit: () => {}, signal: new AbortController().signal };

/** A pod that is ready at once, or, sent to a node that there is not, never. */
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }} }
spec:
  replicas: 1
  progressDeadlineSeconds: 600
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      {{- if .Values.never }}
      nodeSelector: { nowhere: "true" }
      {{- end }}
      containers: [{ name: main, image: "example/main:1", env: [{ name: WORD, value: {{ .Values.word | quote }} }] }]
`;

describeOnCluster('Helm on a real API server', () => {
  const cluster = useCluster();
  let charts = '';
  beforeAll(() => {
    charts = mkdtempSync(join(tmpdir(), 'lambdactl-t-charts-'));
    chart('small', deployment);
    chart('broken', '{{ fail "no such thing" }}');
  });
  afterAll(() => rmSync(charts, { recursive: true, force: true }));

  function chart(name: string, template: string): void {
    mkdirSync(join(charts, name, 'templates'), { recursive: true });
    writeFileSync(join(charts, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\nappVersion: "7"\n`);
    writeFileSync(join(charts, name, 'values.yaml'), 'word: none\nnever: false\n');
    writeFileSync(join(charts, name, 'templates/main.yaml'), template);
  }

  const helmWith = (over: Partial<HelmOptions> = {}): Helm => {
    const { rig, kubeconfig, context: kubeContext } = cluster();
    return new Helm({ path: rig.bin('helm'), kubeconfig, kubeContext, ...over });
  };
  const release = (name: string, values: Record<string, unknown>, over: Partial<HelmRelease> = {}): HelmRelease => ({
    name,
    namespace: 'default',
    chart: join(charts, 'small'),
    version: '1.0.0',
    values,
    brings: [],
    ...over,
  });
  const wordOf = async (name: string): Promise<string> =>
    cluster().kubectl(['get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].env[0].value}']);
  const statusOf = async (name: string) =>
    (await helmWith().list('default', context.signal)).find((each) => each.name === name);

  /** Helm killed in the middle of its waiting. */
  async function kill(name: string, values: Record<string, unknown>): Promise<void> {
    const { rig, kubeconfig } = cluster();
    const set = Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const args = [
      'upgrade',
      name,
      join(charts, 'small'),
      '--install',
      '--wait',
      '-n',
      'default',
      '--kubeconfig',
      kubeconfig,
    ];
    const child = spawn(rig.bin('helm'), [...args, ...set], { stdio: 'ignore' });
    const ended = new Promise((settle) => child.once('exit', settle));
    for (;;) {
      const status = (await statusOf(name))?.status ?? '';
      if (status.startsWith('pending-')) break;
      await delay(100);
    }
    child.kill('SIGKILL');
    await ended;
  }

  it('installs, upgrades only what differs, rolls back and uninstalls', async () => {
    const helm = helmWith();
    expect(await helm.upgradeInstall(release('one', { word: 'a' }), context)).toBe('installed');
    expect(await helm.upgradeInstall(release('one', { word: 'a' }), context)).toBe('unchanged');
    expect(await statusOf('one')).toEqual({
      name: 'one',
      namespace: 'default',
      revision: 1,
      status: 'deployed',
      chart: 'small-1.0.0',
      appVersion: '7',
    });
    expect(await helm.upgradeInstall(release('one', { word: 'b' }), context)).toBe('upgraded');
    expect(await wordOf('one')).toBe('b');
    await helm.rollback('one', 'default', context);
    expect(await wordOf('one')).toBe('a');
    const history = await helm.history('one', 'default', context.signal);
    expect(history.map(({ revision, status }) => [revision, status])).toEqual([
      [1, 'superseded'],
      [2, 'superseded'],
      [3, 'deployed'],
    ]);
    expect((await helm.list(null, context.signal)).map(({ name }) => name)).toContain('one');
    expect(await helm.uninstall('one', 'default', context)).toBe(true);
    expect(await helm.uninstall('one', 'default', context)).toBe(false);
    expect(await helm.history('one', 'default', context.signal)).toEqual([]);
  });

  it('notices that the files of a local chart have changed', async () => {
    chart('edited', deployment);
    const edited = release('edited', {}, { chart: join(charts, 'edited') });
    await helmWith().upgradeInstall(edited, context);
    chart('edited', deployment.replace('example/main:1', 'example/main:2'));
    expect(await helmWith().upgradeInstall(edited, context)).toBe('upgraded');
  });

  it('makes anew what a killed first installation left', async () => {
    await kill('first', { never: true });
    expect((await statusOf('first'))?.status).toBe('pending-install');
    expect(await helmWith().upgradeInstall(release('first', { word: 'a' }), context)).toBe('installed');
    expect(await wordOf('first')).toBe('a');
  });

  it('goes on from the last good revision after a killed upgrade', async () => {
    const helm = helmWith();
    await helm.upgradeInstall(release('second', { word: 'a' }), context);
    await kill('second', { never: true, word: 'b' });
    expect((await statusOf('second'))?.status).toBe('pending-upgrade');
    const told: string[] = [];
    const emit: OperationContext['emit'] = (event) => event.type === 'log' && told.push(event.message);
    expect(await helm.upgradeInstall(release('second', { word: 'c' }), { ...context, emit })).toBe('upgraded');
    expect(told.join()).toContain('left pending-upgrade by an interrupted run');
    expect(await wordOf('second')).toBe('c');
  });

  it('tells why it is not ready, and restores what was', async () => {
    const complaint = 'late-0: 0/2 nodes are available';
    const helm = helmWith({ explain: async (namespace) => (namespace === 'default' ? [complaint] : []) });
    const late = release('late', { never: true });
    await expect(helm.upgradeInstall(late, context, 4000)).rejects.toMatchObject({
      code: 'HELM_TIMEOUT',
      message: expect.stringContaining(complaint),
    });
    // The first stays to be looked at, and the next run goes on with it.
    expect((await statusOf('late'))?.status).toBe('failed');
    expect(await helm.upgradeInstall(release('late', { word: 'a' }), context)).toBe('installed');
    const worse = helm.upgradeInstall(release('late', { word: 'b', never: true }), context, 4000);
    await expect(worse).rejects.toThrow(/rolled back to revision 2/);
    expect(await wordOf('late')).toBe('a');
    expect((await statusOf('late'))?.status).toBe('deployed');
  });

  it('stops when it is told to, and converges afterwards', async () => {
    const abort = new AbortController();
    const running = helmWith().upgradeInstall(release('told', { never: true }), { ...context, signal: abort.signal });
    const ended = running.catch((error: unknown) => error);
    while ((await statusOf('told')) === undefined) await delay(100);
    abort.abort(new Error('enough'));
    expect(await ended).toMatchObject({ message: 'enough' });
    expect(await helmWith().upgradeInstall(release('told', { word: 'a' }), context)).toBe('installed');
  });

  it('names what is wrong with a chart, and installs nothing of it', async () => {
    const helm = helmWith();
    const attempt = (over: Partial<HelmRelease>) => helm.upgradeInstall(release('wrong', {}, over), context);
    await expect(attempt({ chart: join(charts, 'nowhere') })).rejects.toMatchObject({ code: 'HELM_CHART_MISSING' });
    await expect(attempt({ chart: join(charts, 'broken') })).rejects.toMatchObject({
      code: 'HELM_CHART_REFUSED',
      message: expect.stringContaining('no such thing'),
    });
    const repository = 'http://127.0.0.1:1';
    await expect(attempt({ chart: 'small', repository })).rejects.toMatchObject({
      code: 'HELM_REPOSITORY_UNREACHABLE',
    });
    await expect(attempt({ chart: 'oci://127.0.0.1:1/x/small' })).rejects.toMatchObject({
      code: 'HELM_REPOSITORY_UNREACHABLE',
    });
    expect(await statusOf('wrong')).toBeUndefined();
  });

  it('says when there is no such cluster, or not the right', async () => {
    const nowhere = helmWith({ kubeContext: 'nowhere' });
    await expect(nowhere.list(null, context.signal)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    const stranger = helmWith({ kubeconfig: await cluster().kubeconfigAs('stranger') });
    await expect(stranger.list('default', context.signal)).rejects.toMatchObject({ code: 'HELM_FORBIDDEN' });
  });
});
