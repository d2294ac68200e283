import type { HelmRelease } from '../../components/kubernetes.ts';
import type { OperationContext } from '../../core/events.ts';

export interface HelmOptions {
  /** Path of the binary (tools.ts finds it); version 3 or 4. */
  path: string;
  /** Context of the kubeconfig; nothing is ever done on the current one by default. */
  kubeContext: string;
  /** The user's own when absent. */
  kubeconfig?: string;
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

/** The Helm binary on one cluster. */
export class Helm {
  readonly #options: HelmOptions;

  constructor(options: HelmOptions) {
    this.#options = options;
  }

  /** Installs or upgrades and waits until what it made is ready; does nothing where the same release is deployed. @param timeoutMs default 10 min */
  async upgradeInstall(release: HelmRelease, context: OperationContext, timeoutMs = 600_000): Promise<'installed' | 'upgraded' | 'unchanged'> {
    throw new Error(`${this.#options.path} ${release.name} ${context.signal.aborted} ${timeoutMs}`);
  }

  /** Releases of one namespace, or of all; also those that failed or hang. */
  async list(_namespace: string | null, _signal: AbortSignal): Promise<readonly ReleaseStatus[]> {
    return [];
  }

  /** Revisions of a release, the newest last; none where it is not installed. */
  async history(_name: string, _namespace: string, _signal: AbortSignal): Promise<readonly ReleaseStatus[]> {
    return [];
  }

  /** @param revision the one before the present when absent */
  async rollback(_name: string, _namespace: string, _context: OperationContext, _revision?: number): Promise<void> {}

  /** @returns false where it was not installed */
  async uninstall(_name: string, _namespace: string, _context: OperationContext): Promise<boolean> {
    return false;
  }
}
