import { messageOf, preflightError } from '../core/errors.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import type { DesiredState } from '../state/desired.ts';
import type { ObservedState } from '../state/observed.ts';
import type { Credentials } from '../state/secrets.ts';
import type { HostFacts } from '../system/host.ts';
import type { KubernetesView } from './cluster.ts';
import type { Check, CheckContext, Finding } from './contract.ts';

/** What checks of the machine and of the stack's own files look at besides: facts of rooms that checks do not know. */
export interface MachineContext extends CheckContext {
  /** Of lambdactl. */
  version: string;
  /** Where the files that ship with lambdactl lie. */
  projectRoot: string;
  host: HostFacts;
  /** Of this process. */
  environment: Readonly<Record<string, string | undefined>>;
  umask: number;
  temporaryDir: string;
  /** Components of the last `up`, or before it those that `up` would bring. */
  chosen: readonly ChosenComponent[];
  /** Whether these are all that there are. */
  whole: boolean;
  /** MiB that the chosen ones may take together, by the profile. */
  budgetMiB: number;
  files: {
    desired: Reading<DesiredState>;
    observed: Reading<ObservedState>;
    credentials: Reading<Credentials>;
  };
  kubernetes: KubernetesView;
  /** null: none is running. */
  supervisor: { pid: number; version: string; answers: boolean } | null;
  /** Artifacts of the chosen components and what these need. @throws LambdaError PLATFORM_UNSUPPORTED */
  artifacts(): Promise<readonly ArtifactFact[]>;
  /** Versions that nothing of this lambdactl uses. */
  unusedArtifacts(): Promise<readonly { label: string; bytes: number }[]>;
  /** Ports that `up` would take. @throws LambdaError PORT_BUSY */
  planPorts(): Promise<Readonly<Record<string, number>>>;
  /** @throws LambdaError PYTHON_MISSING */
  python(): Promise<{ executable: string; version: string }>;
  /** What `up` would do now; null while artifacts are missing, because then it cannot be told. */
  plan(): Promise<readonly PlannedAction[] | null>;
}

export type MachineCheck = Check<MachineContext>;

/** A file of the stack as it could be read: null where there is none. */
export type Reading<T> = { value: T | null } | { error: unknown };

export interface ChosenComponent {
  name: ComponentName;
  /** Ids of the credentials it makes. */
  credentials: readonly string[];
}

export interface ArtifactFact {
  name: string;
  version: string;
  state: 'installed' | 'damaged' | 'missing';
  /** On disk: measured when installed, estimated otherwise. */
  bytes: number;
  downloadBytes: number;
}

export interface PlannedAction {
  instance: string;
  action: 'start' | 'restart' | 'keep' | 'stop';
  reason: string;
}

/** Firmware and graphics keep a part of what the machine is sold with. */
const usableShare = 0.92;

/** Memory that the machine must have for what is chosen, MiB. */
export function neededMemoryMiB({ profile, whole, budgetMiB }: MachineContext): number {
  return Math.round(whole ? profile.totalMiB * usableShare : budgetMiB);
}

export const mebibytesOf = (bytes: number): number => bytes / 1_048_576;

/** A machine that does not carry the profile, told in one line; `up --force` goes on. */
export function tooSmall(lacking: string): Finding {
  return {
    severity: 'error',
    what: lacking,
    why: 'Components would be killed, or stop writing, as soon as they get to work.',
    fix: null,
    refusal: preflightError(lacking, {
      code: 'MACHINE_TOO_SMALL',
      details: { lacking: [lacking] },
      actions: [
        'Take a smaller profile (lite needs 8 GB) or fewer components (--only clickhouse).',
        'Go on regardless with --force.',
      ],
    }),
  };
}

/** A reading that failed, as a finding's first line. */
export const readError = (reading: Reading<unknown>): string | null =>
  'error' in reading ? messageOf(reading.error) : null;

/** The value of a reading, null where it failed as well. */
export const valueIn = <T>(reading: Reading<T>): T | null => ('error' in reading ? null : reading.value);
