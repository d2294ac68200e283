import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HelmRelease } from '../../components/kubernetes.ts';
import type { OperationContext } from '../../core/events.ts';
import { Helm } from './helm.ts';

/**
 * What is asked of Helm and in which order; that Helm then does it is for test/k8s/helm.test.ts, on a real API server. The program notes its
 * arguments, and the mode of its values file, and answers with the files that a test has put beside it: <verb>.out, <verb>.err.
 */
const program = `#!/bin/sh
cd "$(dirname "$0")"
verb=$1
printf '%s\\n' "$*" >> calls
previous=
for word in "$@"; do
  [ "$previous" = --values ] && { stat -c %a "$word" > mode; cp "$word" values; echo "$word" > path; }
  previous=$word
done
case "$*" in *--deployed*) verb=deployed;; esac
[ -f "$verb.out" ] && cat "$verb.out"
if [ -f "$verb.err" ]; then cat "$verb.err" >&2; rm "$verb.err"; exit 1; fi
exit 0
`;

let directory = '';
const told: string[] = [];
const context: OperationContext = {
  emit: (event) => {
    if (event.type === 'log') told.push(event.message);
  },
  signal: new AbortController().signal,
};
const release: HelmRelease = {
  name: 'strimzi',
  namespace: 'data',
  chart: 'strimzi-kafka-operator',
  repository: 'https://charts.example.com',
  version: '1.2.0',
  values: { replicas: 1 },
  brings: [],
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lambdactl-t-helm-'));
  told.length = 0;
  put('helm', program);
  chmodSync(join(directory, 'helm'), 0o755);
  put('version.out', 'v4.2.4+g1');
  present([]);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const put = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const calls = (): string[] =>
  read('calls')
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('version'));
const verbs = (): (string | undefined)[] => calls().map((line) => line.split(' ')[0]);
const helm = (): Helm => new Helm({ path: join(directory, 'helm'), kubeContext: 'kind-lambdactl' });

/** Revisions by status, the oldest first. */
function present(statuses: readonly string[]): void {
  const rows = statuses.map((status, index) => ({
    name: 'strimzi',
    namespace: 'data',
    revision: index + 1,
    status,
    chart: 'c-1',
  }));
  put('history.out', JSON.stringify(rows));
  put('list.out', JSON.stringify(rows.slice(-1).map((row) => ({ ...row, revision: String(row.revision) }))));
  put('deployed.out', '[]');
}

it('hands over values in a file of its own, and nothing of them as arguments', async () => {
  expect(await helm().upgradeInstall(release, context, 90_000)).toBe('installed');
  const [, upgrade] = calls();
  expect(upgrade).toMatch(
    /^upgrade strimzi strimzi-kafka-operator --install --namespace data --version 1\.2\.0 --repo https:\/\/charts\.example\.com --values \S+ --reset-values --labels lambdactl\.dev\/spec=[0-9a-f]{40} --wait --timeout 90s --history-max 5 --force-conflicts -o json --kube-context kind-lambdactl$/,
  );
  expect([read('mode').trim(), JSON.parse(read('values'))]).toEqual(['600', { replicas: 1 }]);
  expect(() => readFileSync(read('path').trim())).toThrow(/ENOENT/);
});

it('speaks to Helm 3 in its own flags', async () => {
  put('version.out', 'v3.19.0+g1');
  await helm().upgradeInstall(release, context);
  expect(calls()[0]).toContain(' --all ');
  expect(calls()[1]).not.toContain('--force-conflicts');
});

it('does nothing where the same is deployed', async () => {
  present(['deployed']);
  put('deployed.out', read('list.out'));
  expect(await helm().upgradeInstall(release, context)).toBe('unchanged');
  const label = /lambdactl\.dev\/spec=\S+/.exec(calls()[1] ?? '')?.[0];
  await helm().upgradeInstall({ ...release, values: { replicas: 2 } }, context);
  expect(calls()[3]).not.toContain(label);
  expect(verbs()).not.toContain('upgrade');
});

it('upgrades what is deployed otherwise', async () => {
  present(['superseded', 'deployed']);
  expect(await helm().upgradeInstall(release, context)).toBe('upgraded');
});

it.each([
  [['pending-install'], 'uninstall'],
  [['superseded', 'deployed', 'pending-upgrade'], 'rollback'],
  [['failed', 'pending-upgrade'], 'uninstall'],
  [['deployed', 'uninstalling'], 'uninstall'],
])('clears %s by %s', async (statuses, verb) => {
  present(statuses);
  await helm().upgradeInstall(release, context);
  expect(verbs().indexOf(verb)).toBeLessThan(verbs().indexOf('upgrade'));
  expect(calls().find((line) => line.startsWith(verb))).toMatch(
    verb === 'rollback' ? /^rollback strimzi 2 --namespace data/ : /strimzi/,
  );
  expect(told.join()).toContain(`left ${statuses.at(-1)} by an interrupted run`);
});

it('tries once more when the release turns out to hang', async () => {
  present(['deployed']);
  put('upgrade.err', 'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n');
  await helm().upgradeInstall(release, context);
  expect(verbs().filter((verb) => verb === 'upgrade')).toHaveLength(2);
});

it('restores the last good revision of what did not become ready', async () => {
  present(['superseded', 'deployed', 'failed']);
  put('upgrade.err', 'Error: UPGRADE FAILED: context deadline exceeded\n');
  const asking = new Helm({
    path: join(directory, 'helm'),
    kubeContext: 'kind-lambdactl',
    explain: async () => [verbs().includes('rollback') ? 'too late' : 'kafka-0: ImagePullBackOff'],
  });
  const error = asking.upgradeInstall(release, context);
  await expect(error).rejects.toMatchObject({
    code: 'HELM_TIMEOUT',
    details: { complaints: ['kafka-0: ImagePullBackOff'] },
  });
  await expect(error).rejects.toThrow(/rolled back to revision 2/);
});

it('tells charts in a directory apart by their files', async () => {
  mkdirSync(join(directory, 'chart'));
  put('chart/Chart.yaml', 'version: 1');
  const { repository: _, ...local } = { ...release, chart: join(directory, 'chart') };
  await helm().upgradeInstall(local, context);
  put('chart/Chart.yaml', 'version: 2');
  await helm().upgradeInstall(local, context);
  const upgrades = calls().filter((line) => line.startsWith('upgrade'));
  expect(new Set(upgrades.map((line) => /spec=(\S+)/.exec(line)?.[1])).size).toBe(2);
  expect(upgrades[0]).not.toMatch(/--version|--repo/);
});

it('knows a release that is not there', async () => {
  const missing = 'Error: release: not found\n';
  put('history.err', missing);
  expect(await helm().history('gone', 'data', context.signal)).toEqual([]);
  put('uninstall.err', missing);
  expect(await helm().uninstall('gone', 'data', context)).toBe(false);
});
