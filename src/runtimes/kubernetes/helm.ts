import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import type { HelmRelease } from '../../components/kubernetes.ts';
import type { OperationContext } from '../../core/events.ts';
import { type ExecResult, exec } from '../../system/exec.ts';
import { exists, hashTree } from '../../system/files.ts';
import { openStaging } from '../../system/staging.ts';
import { hasNoDeployed, helmError, isPendingRefusal } from './helm-errors.ts';

export interface HelmOptions {
  /** Path of the binary (tools.ts finds it); version 3 or 4. */
  path: string;
  /** Context of the kubeconfig; nothing is ever done on the current one by default. */
  kubeContext: string;
  /** The user's own when absent. */
  kubeconfig?: string;
  /** What the pods of a namespace complain of, one line each: told when a release does not become ready. */
  explain?(namespace: string, signal: AbortSignal): Promise<readonly string[]>;
}

export interface ReleaseStatus {
  name: string;
  namespace: string;
  revision: number;
  /** deployed, failed, pending-install, pending-upgrade, pending-rollback, superseded, uninstalling, … */
  status: string;
  /** "strimzi-kafka-operator-1.2.0" */
  chart: string;
  appVersion: string;
}

/** Label of a release: hash of chart, version and values. */
const specLabel = 'lambdactl.dev/spec';
/** Revisions that are kept, the present one included. */
const historyMax = 5;
/** Of everything but waiting: Helm asks the API server a few times. */
const quickMs = 60_000;

/** The Helm binary on one cluster. Every method throws LambdaError HELM_… or CLUSTER_UNREACHABLE in its own words. */
export class Helm {
  readonly #options: HelmOptions;
  #major: Promise<number> | undefined;

  constructor(options: HelmOptions) {
    this.#options = options;
  }

  /**
   * Installs or upgrades, and waits until what it made is ready; does nothing where the same release is deployed already. A release that an
   * interrupted run left pending is rolled back, or uninstalled if it was the first, and then made anew. An upgrade that fails is rolled
   * back; a first installation that fails is left to be looked at, and the next run goes on with it.
   * @param timeoutMs of the waiting, default 10 min
   */
  async upgradeInstall(
    release: HelmRelease,
    context: OperationContext,
    timeoutMs = 600_000,
  ): Promise<'installed' | 'upgraded' | 'unchanged'> {
    const { signal } = context;
    const spec = specOf(release);
    const before = await this.#find(release, signal);
    if (before?.status === 'deployed' && (await this.#isDeployed(release, spec, signal))) return 'unchanged';
    if (before !== undefined) await this.#clear(before, context);
    const good = before === undefined ? null : await this.#lastGood(release, signal);
    const result = await this.#upgrade(release, spec, context, timeoutMs);
    if (result.failure !== undefined) throw await this.#failed(release, result, good, context);
    return good === null ? 'installed' : 'upgraded';
  }

  /** Releases of one namespace, or of all; also those that failed or hang. */
  async list(namespace: string | null, signal: AbortSignal): Promise<readonly ReleaseStatus[]> {
    const scope = namespace === null ? ['--all-namespaces'] : ['--namespace', namespace];
    // Helm 4 lists every status unless it is told some, and has no word for it.
    const all = (await this.#version()) >= 4 ? [] : ['--all'];
    return this.#read(['list', ...scope, ...all, '--max', '1000'], signal);
  }

  /** Revisions of a release, the newest last; none where it is not installed. */
  async history(name: string, namespace: string, signal: AbortSignal): Promise<readonly ReleaseStatus[]> {
    const args = ['history', name, '--namespace', namespace, '--max', '100'];
    const result = await this.#run([...args, '-o', 'json'], signal, quickMs);
    if (/release: not found/.test(result.stderr)) return [];
    if (result.failure !== undefined) throw helmError(result, { name, namespace });
    return releasesIn(result.stdout).map((each) => ({ ...each, name, namespace }));
  }

  /** @param revision the one before the present when absent @param timeoutMs of waiting until it is ready; 0 does not wait */
  async rollback(
    name: string,
    namespace: string,
    context: OperationContext,
    revision = 0,
    timeoutMs = 600_000,
  ): Promise<void> {
    const args = ['rollback', name, ...(revision > 0 ? [String(revision)] : []), '--namespace', namespace];
    const wait = timeoutMs > 0 ? ['--wait', '--timeout', seconds(timeoutMs)] : [];
    const keep = ['--history-max', String(historyMax), '--cleanup-on-fail', ...(await this.#conflicts())];
    const result = await this.#run([...args, ...wait, ...keep], context.signal, timeoutMs + quickMs);
    if (result.failure !== undefined) throw helmError(result, { name, namespace });
  }

  /** Waits until what it had made is gone; definitions of resources stay, with what was made of them. @returns false where it was not installed */
  async uninstall(name: string, namespace: string, context: OperationContext): Promise<boolean> {
    const args = ['uninstall', name, '--namespace', namespace, '--wait', '--timeout', '300s'];
    const result = await this.#run(args, context.signal, 300_000 + quickMs);
    if (result.failure === undefined) return true;
    if (/release: not found/.test(result.stderr)) return false;
    throw helmError(result, { name, namespace });
  }

  async #find({ name, namespace }: HelmRelease, signal: AbortSignal): Promise<ReleaseStatus | undefined> {
    return (await this.list(namespace, signal)).find((each) => each.name === name);
  }

  async #isDeployed({ name, namespace }: HelmRelease, spec: string, signal: AbortSignal): Promise<boolean> {
    const filter = ['--deployed', '--filter', `^${name}$`, '--selector', `${specLabel}=${spec}`];
    return (await this.#read(['list', '--namespace', namespace, ...filter], signal)).length > 0;
  }

  /** The newest revision that was ever ready; null where none was. */
  async #lastGood({ name, namespace }: HelmRelease, signal: AbortSignal): Promise<number | null> {
    const revisions = await this.history(name, namespace, signal);
    return revisions.findLast(({ status }) => status === 'deployed' || status === 'superseded')?.revision ?? null;
  }

  /** What an interrupted run of Helm left: it would refuse everything until it is cleared. One run at a time is what the stack's lock is for. */
  async #clear({ name, namespace, status }: ReleaseStatus, context: OperationContext): Promise<void> {
    const interrupted = status.startsWith('pending-') || status === 'uninstalling';
    if (!interrupted) return;
    const revisions = await this.history(name, namespace, context.signal);
    const good = revisions.findLast((each) => each.status === 'deployed' || each.status === 'superseded');
    const message = `release ${name} was left ${status} by an interrupted run: it is ${good === undefined ? 'removed' : 'rolled back'} first`;
    context.emit({ type: 'log', level: 'warn', message });
    if (good === undefined || status === 'uninstalling') await this.uninstall(name, namespace, context);
    else await this.rollback(name, namespace, context, good.revision, 0);
  }

  async #upgrade(
    release: HelmRelease,
    spec: string,
    context: OperationContext,
    timeoutMs: number,
    mayRepeat = true,
  ): Promise<ExecResult> {
    const { name, namespace, chart, repository, version, values } = release;
    const staging = await openStaging('lambdactl-helm-');
    try {
      // JSON is YAML; no secrets are in it, but nobody else needs to read it either.
      await staging.write('values.yaml', Buffer.from(JSON.stringify(values)).toString('latin1'));
      const source = isLocal(chart)
        ? []
        : ['--version', version, ...(repository === undefined ? [] : ['--repo', repository])];
      const args = ['upgrade', name, chart, '--install', '--namespace', namespace, ...source];
      const inputs = [
        '--values',
        `${staging.directory}/values.yaml`,
        '--reset-values',
        '--labels',
        `${specLabel}=${spec}`,
      ];
      const waiting = ['--wait', '--timeout', seconds(timeoutMs), '--history-max', String(historyMax)];
      const all = [...args, ...inputs, ...waiting, ...(await this.#conflicts()), '-o', 'json'];
      const result = await this.#run(all, context.signal, timeoutMs + 5 * quickMs);
      if (result.failure === undefined || !mayRepeat) return result;
      // Both can come up between the look and the upgrade, when another run has just been killed.
      if (hasNoDeployed(result)) await this.uninstall(name, namespace, context);
      else if (isPendingRefusal(result)) {
        const present = await this.#find(release, context.signal);
        if (present !== undefined) await this.#clear(present, context);
      } else return result;
      return await this.#upgrade(release, spec, context, timeoutMs, false);
    } finally {
      await staging.remove();
    }
  }

  async #failed(release: HelmRelease, result: ExecResult, good: number | null, context: OperationContext) {
    const { name, namespace } = release;
    const { signal } = context;
    // Before the rollback takes them away.
    const complaints = (await this.#options.explain?.(namespace, signal).catch(() => [])) ?? [];
    const after = await this.#find(release, signal).catch(() => undefined);
    const stands = after === undefined || after.status === 'deployed' || good === null;
    const back = stands
      ? null
      : await this.rollback(name, namespace, context, good, 0).then(
          () => good,
          () => null,
        );
    return helmError(result, { name, namespace, chart: release.chart, version: release.version, complaints, back });
  }

  async #read(args: readonly string[], signal: AbortSignal): Promise<readonly ReleaseStatus[]> {
    const result = await this.#run([...args, '-o', 'json'], signal, quickMs);
    if (result.failure !== undefined) throw helmError(result, {});
    return releasesIn(result.stdout);
  }

  async #run(args: readonly string[], signal: AbortSignal, timeoutMs: number): Promise<ExecResult> {
    signal.throwIfAborted();
    const { path, kubeContext, kubeconfig } = this.#options;
    const target = ['--kube-context', kubeContext, ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig])];
    return exec(path, [...args, ...target], { signal, timeoutMs });
  }

  /** Helm 4 applies on the server's side, where what another tool or an operator has set is a conflict. */
  async #conflicts(): Promise<readonly string[]> {
    return (await this.#version()) >= 4 ? ['--force-conflicts'] : [];
  }

  /** Helm 3 and 4 differ in flags; what is neither is taken for the newer one. */
  async #version(): Promise<number> {
    this.#major ??= exec(this.#options.path, ['version', '--short'], { timeoutMs: quickMs }).then(({ stdout }) =>
      Number(/v?(\d+)\./.exec(stdout)?.[1] ?? 4),
    );
    return this.#major;
  }
}

const seconds = (milliseconds: number): string => `${Math.ceil(milliseconds / 1000)}s`;

const isLocal = (chart: string): boolean => isAbsolute(chart) || chart.startsWith('.');

/** Labels have at most 63 characters. A chart in a directory may change without its version. */
function specOf({ chart, repository, version, values }: HelmRelease): string {
  const files = isLocal(chart) && exists(`${chart}/Chart.yaml`) ? hashTree(chart) : '';
  return createHash('sha256')
    .update(JSON.stringify([chart, repository, version, values, files]))
    .digest('hex')
    .slice(0, 40);
}

/** `helm list` gives revisions as text, `helm history` as numbers; an empty list is "[]" or nothing. */
function releasesIn(stdout: string): ReleaseStatus[] {
  const text = stdout.trim();
  const parsed: unknown = text === '' ? [] : JSON.parse(text);
  if (!Array.isArray(parsed)) return [];
  return parsed.map((each: Record<string, unknown>) => ({
    name: String(each.name ?? ''),
    namespace: String(each.namespace ?? ''),
    revision: Number(each.revision ?? 0),
    status: String(each.status ?? 'unknown'),
    chart: String(each.chart ?? ''),
    appVersion: String(each.app_version ?? ''),
  }));
}
