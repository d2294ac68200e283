/** What `doctor` found, as `.data` of its JSON envelope and as the only source of its text and JUnit. */

export type CheckArea = 'host' | 'artifacts' | 'cluster' | 'components' | 'data' | 'secrets';

/** error: something does not work or will be lost; warning: it works and will not for long, or not as it should. */
export type Severity = 'error' | 'warning';

export interface FindingReport {
  severity: Severity;
  /** What is the case, with figures and names. */
  what: string;
  /** What it means to the user. */
  why: string;
  /** The command that mends it; null where only a person can. */
  fix: {
    command: string /** `--fix` may run it unasked: it loses nothing and can be repeated. */;
    safe: boolean;
  } | null;
  /** After --fix; null when it was not tried. */
  fixed: { ok: boolean; detail: string } | null;
}

export interface CheckReport {
  /** e.g. "consumer-lag"; also its file in src/checks. */
  name: string;
  area: CheckArea;
  /** What it looks at, in a few words. */
  title: string;
  /** skipped: there is nothing to look at, e.g. the component is not up; failed: the check itself could not look. */
  status: 'ok' | 'warning' | 'error' | 'skipped' | 'failed';
  /** One line: the facts when all is well, or why it was skipped or failed. */
  detail: string;
  elapsedMs: number;
  findings: readonly FindingReport[];
}

export interface DoctorReport {
  stack: string;
  /** partly: some components run. */
  up: 'up' | 'partly' | 'down';
  profile: string;
  startedAt: string;
  elapsedMs: number;
  /** No finding is left and no check failed. */
  ok: boolean;
  counts: Readonly<Record<CheckReport['status'], number>>;
  checks: readonly CheckReport[];
}
