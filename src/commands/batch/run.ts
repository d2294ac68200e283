import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { type BatchStep, batchSteps, runBatchSteps } from '../../operations/batch/run.ts';
import { batchText } from '../../output/batch-text.ts';

/** All steps of a date; the commands of single steps differ from it by the steps alone. */
export default class BatchRun extends BaseCommand {
  static override summary = "A date's batch: lake check, Spark, load, dbt, quality, metrics; exit 10 when a test fails";
  static override description = 'What the DAG daily_batch does, without Airflow. A rerun replaces the date.';
  static override examples = [
    '<%= config.bin %> batch run --date yesterday',
    '<%= config.bin %> batch run --date 2026-11-20 --json',
  ];
  static override flags = withEnvironment({
    date: Flags.string({ required: true, description: 'Date of event time (UTC): 2026-11-20, today, yesterday' }),
  });
  protected readonly steps: readonly BatchStep[] = batchSteps;

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(BatchRun);
    const data = await runBatchSteps({ ...this.stackOf(flags), date: flags.date, steps: this.steps }, context);
    return { data, ok: data.ok, text: batchText(data) };
  }
}
