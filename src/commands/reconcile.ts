import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { writeReport } from '../operations/reconcile/files.ts';
import { entityChoices, notReadyError, reconcile, reconcileHistory } from '../operations/reconcile.ts';
import { reconcileHtml } from '../output/html-report.ts';
import { reconcileJunit } from '../output/junit.ts';
import { historyText, reconcileText } from '../output/reconcile-text.ts';

export default class Reconcile extends BaseCommand {
  static override summary = 'Prove that the speed layer and the batch layer hold the same rows';
  static override description =
    'Compares counts, sums and checksums of every segment, each computed inside its engine, and names the rows that differ. Exit code 0: the layers agree, 10: they differ, 1: a date cannot be compared yet.';
  static override examples = [
    '<%= config.bin %> reconcile --date yesterday',
    '<%= config.bin %> reconcile --date 2026-11-01 --to 2026-11-07 --html report.html --junit report.xml',
    '<%= config.bin %> reconcile --date yesterday --entity transactions --repair',
    '<%= config.bin %> reconcile --history --json',
  ];
  static override flags = withEnvironment({
    date: Flags.string({
      description: 'Date of event time (UTC), or "yesterday"',
      helpValue: 'YYYY-MM-DD',
      default: 'yesterday',
    }),
    to: Flags.string({ description: 'Last date of a range', helpValue: 'YYYY-MM-DD' }),
    entity: Flags.option({ options: entityChoices, default: 'all' as const, description: 'Only these records' })(),
    repair: Flags.boolean({ description: 'Run the batch of differing dates again, then compare once more' }),
    'max-rows': Flags.integer({
      description: 'Name at most this many rows of an entity and date',
      default: 100,
      min: 0,
    }),
    threshold: Flags.string({
      description: 'Consistency from which layers agree; "profile" takes reconcile.threshold of the profile',
      helpValue: 'PERCENT',
      default: '100',
    }),
    html: Flags.string({ description: 'Also write a report to open in a browser', helpValue: 'FILE' }),
    junit: Flags.string({ description: 'Also write a JUnit report', helpValue: 'FILE' }),
    history: Flags.boolean({
      description: 'List the kept results instead',
      exclusive: ['to', 'repair', 'html', 'junit'],
    }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Reconcile);
    if (flags.history) {
      const data = await reconcileHistory(this.stackOf(flags));
      return { data, text: historyText(data) };
    }
    const { date, to, entity, repair } = flags;
    const request = {
      ...this.stackOf(flags),
      date,
      to,
      entity,
      repair,
      maxRows: flags['max-rows'],
      threshold: flags.threshold,
    };
    const data = await reconcile(request, context);
    if (flags.html !== undefined) await writeReport(flags.html, reconcileHtml(data));
    if (flags.junit !== undefined) await writeReport(flags.junit, reconcileJunit(data));
    if (data.verdict === 'not-ready') throw notReadyError(data);
    return { data, text: reconcileText(data), ok: data.verdict === 'agree' };
  }
}
