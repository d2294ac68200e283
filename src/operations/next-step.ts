import type { StackRef } from './stack.ts';
import { status } from './status.ts';

export interface NextStep {
  state: 'never-up' | 'down' | 'unhealthy' | 'running';
  says: string;
  commands: readonly string[];
}

/** What to do next in the present state of a stack. */
export async function nextStep(ref: StackRef): Promise<NextStep> {
  const report = await status(ref);
  if (report.components.length === 0) {
    return {
      state: 'never-up',
      says: 'There is no platform here yet.',
      commands: ['lambdactl up --profile lite', 'lambdactl up --dry-run', 'lambdactl --help'],
    };
  }
  if (!report.up) {
    return { state: 'down', says: `Stack "${report.stack}" is down; its data is kept.`, commands: ['lambdactl up'] };
  }
  const sick = report.components.filter(({ state }) => state !== 'healthy').map(({ name }) => name);
  if (sick.length > 0) {
    return {
      state: 'unhealthy',
      says: `Not healthy: ${sick.join(', ')}.`,
      commands: ['lambdactl health', `lambdactl logs ${sick[0]}`, 'lambdactl up'],
    };
  }
  return {
    state: 'running',
    says: 'Everything is healthy.',
    commands: [
      'lambdactl seed',
      'lambdactl generate --rate 1000 --duration 60s',
      'lambdactl query "select event_type, count() from user_events_realtime group by 1 order by 2 desc"',
      'lambdactl dags trigger daily_batch --date today --wait',
      'lambdactl reconcile --date today',
      'lambdactl status --watch',
    ],
  };
}
