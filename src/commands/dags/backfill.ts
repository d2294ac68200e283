import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { backfillDag } from '../../operations/dags/backfill.ts';

export default class DagsBackfill extends BaseCommand {
  static override summary = 'Run a daily DAG for every day of a range, one after the other';
  static override description = 'Days that were run before run again. Airflow does it in the background.';
  static override examples = ['<%= config.bin %> dags backfill daily_batch --from 2026-11-01 --to 2026-11-20'];
  static override args = { dag: Args.string({ required: true, description: 'Name of the DAG' }) };
  static override flags = withEnvironment({
    from: Flags.string({ description: 'First day (UTC)', helpValue: 'YYYY-MM-DD', required: true }),
    to: Flags.string({ description: 'Last day (UTC)', helpValue: 'YYYY-MM-DD', required: true }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags, args } = await this.parse(DagsBackfill);
    const data = await backfillDag({ ...this.stackOf(flags), dag: args.dag, from: flags.from, to: flags.to });
    const days = data.dates.length === 1 ? '1 day' : `${data.dates.length} days`;
    return { data, text: `Backfill ${data.backfill} of ${data.dag} started: ${days}. See: lambdactl dags list` };
  }
}
