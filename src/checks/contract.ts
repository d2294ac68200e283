import type { CheckArea, FindingReport } from '../core/doctor-report.ts';
import type { LambdaError } from '../core/errors.ts';
import type { ServiceStatus } from '../core/service-spec.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';
import type { Server } from '../probes/server.ts';
import type { StackPaths } from '../state/paths.ts';

/** One thing that doctor looks at; one a file. It only looks: what changes something is a finding's `mend`. */
export interface Check<Context extends CheckContext = CheckContext> {
  /** Kebab case, as its file is called. */
  name: string;
  area: CheckArea;
  title: string;
  /** Components that must run for there to be anything to look at; the check is skipped otherwise. */
  needs: readonly ComponentName[];
  /** Whether it has anything to say about this stack; doctor leaves it out otherwise, unless it is named. */
  applies?(context: Context): boolean;
  /** Also a condition of `up`: an error then refuses it (exit 20). */
  preflight?: boolean;
  /** Ends within `budgetMs` of the context or throws. @throws when it cannot look; the check then counts as failed */
  run(context: Context): Promise<CheckOutcome>;
}

export interface CheckOutcome {
  /** One line with the facts, shown when there is no finding. */
  detail: string;
  findings: readonly Finding[];
}

export interface Finding extends Omit<FindingReport, 'fixed'> {
  /** Carries the safe fix out; returns one line on what was done. Without it, `--fix` runs `fix.command` as a lambdactl command. */
  mend?(): Promise<string>;
  /** How `up` puts it when it refuses for this; PREFLIGHT_FAILED where absent. */
  refusal?: LambdaError;
}

/** What checks may look at. Everything is asked for anew at every run of doctor. */
export interface CheckContext {
  paths: StackPaths;
  /** Directory that holds schemas and templates. */
  projectRoot: string;
  /** Of the last `up`, else the one that `up` would take. */
  profile: Profile;
  /** Components that the last `up` wanted; empty before it. */
  wanted: readonly ComponentName[];
  services: readonly ServiceStatus[];
  ports: Readonly<Record<string, number>>;
  /** @throws LambdaError NOT_UP */
  endpoint(component: ComponentName, protocol: string): Promise<Server>;
  /** ms that one check may take. */
  budgetMs: number;
  signal: AbortSignal;
  /** ms since 1970. */
  now: number;
}
