import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { dagLogs } from '../../operations/dags/logs.ts';

export default class DagsLogs extends BaseCommand {
  static override summary = 'Logs of a run’s tasks; the latest run when none is named';
  static override examples = [
    '<%= config.bin %> dags logs daily_batch',
    '<%= config.bin %> dags logs daily_batch --task spark --try 1',
    '<%= config.bin %> dags logs daily_batch --run "scheduled__2026-11-21T02:00:00+00:00"',
  ];
  static override args = { dag: Args.string({ required: true, description: 'Name of the DAG' }) };
  static override flags = withEnvironment({
    // Not LAMBDACTL_RUN, which is how the supervisor marks the processes of a run.
    run: Flags.string({ description: 'Run id', helpValue: 'ID', env: 'LAMBDACTL_DAG_RUN' }),
    task: Flags.string({ description: 'Task; all that have run when absent', helpValue: 'TASK' }),
    try: Flags.integer({ description: 'Number of the try; the last when absent', min: 1 }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags, args } = await this.parse(DagsLogs);
    const data = await dagLogs({
      ...this.stackOf(flags),
      dag: args.dag,
      run: flags.run,
      task: flags.task,
      attempt: flags.try,
    });
    const tasks = data.tasks.map(({ task, state, try: attempt, lines }) =>
      [`── ${task}: ${state}${attempt > 1 ? `, try ${attempt}` : ''}`, ...lines].join('\n'),
    );
    return { data, text: [`${data.dag} ${data.state}: ${data.run}`, ...tasks].join('\n') };
  }
}
