import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { type TriggerReport, triggerDag } from '../../operations/dags/trigger.ts';
import { duration } from '../../output/format.ts';

export default class DagsTrigger extends BaseCommand {
  static override summary = 'Run a DAG now; the run of a date that was there runs again';
  static override description =
    'With --wait the tasks are shown as they run; exit 10 when the run failed, with the end of the failed task’s log. Ctrl-C stops the watching, not the run.';
  static override examples = [
    '<%= config.bin %> dags trigger daily_batch --date 2026-11-20 --wait',
    '<%= config.bin %> dags trigger daily_batch --date yesterday',
    '<%= config.bin %> dags trigger dlq_watch --conf threshold=5 --json',
  ];
  static override args = { dag: Args.string({ required: true, description: 'Name of the DAG' }) };
  static override flags = withEnvironment({
    date: Flags.string({ description: 'Day that the run is for (UTC)', helpValue: 'YYYY-MM-DD' }),
    conf: Flags.string({
      description: 'Parameter of the run; may be given several times',
      helpValue: 'KEY=VALUE',
      multiple: true,
    }),
    wait: Flags.boolean({ char: 'w', description: 'Until the run has ended' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(DagsTrigger);
    const { date, conf = [], wait } = flags;
    const data = await triggerDag({ ...this.stackOf(flags), dag: args.dag, date, conf, wait }, context);
    return { data, text: textOf(data), ok: data.state !== 'failed' };
  }
}

function textOf({ dag, run, state, durationMs, rerun, tasks, failure }: TriggerReport): string {
  if (tasks === null) {
    const how = rerun ? 'runs again' : 'started';
    return `${dag} ${how}: ${run}\nWatch it: lambdactl dags logs ${dag} --run '${run}'`;
  }
  const time = durationMs === null ? '' : ` in ${duration(durationMs)}`;
  const summary = `${dag} ${state}${time}: ${run}`;
  if (failure === null) return summary;
  const log = failure.log.map((line) => `  ${line}`).join('\n');
  return `${summary}\n\nLast lines of ${failure.task}:\n${log}\n\nAll of it: lambdactl dags logs ${dag} --run '${run}'`;
}
