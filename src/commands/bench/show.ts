import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { plotLibrary } from '../../operations/bench/plot-library.ts';
import { readBench } from '../../operations/bench/store.ts';
import { writeReport } from '../../operations/reconcile/files.ts';
import { benchHtml } from '../../output/bench-html.ts';
import { benchText } from '../../output/bench-text.ts';
import { textWidth } from '../../output/width.ts';

export default class BenchShow extends BaseCommand {
  static override summary = 'A kept result of bench again, as text, JSON or HTML';
  static override description =
    'Shows what was found then and judges nothing anew: the exit code is 0 also for a run that failed.';
  static override examples = [
    '<%= config.bin %> bench show latest',
    '<%= config.bin %> bench show 20261121-1840 --html report.html',
    '<%= config.bin %> bench show other-machine.json --json',
  ];
  static override args = {
    run: Args.string({
      description: 'Id or its beginning, "latest", "previous", or a .json file',
      default: 'latest',
    }),
  };
  static override flags = withEnvironment({
    html: Flags.string({ description: 'Also write a report to open in a browser', helpValue: 'FILE' }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { args, flags } = await this.parse(BenchShow);
    const data = await readBench(this.stackOf(flags), args.run);
    if (flags.html !== undefined) await writeReport(flags.html, benchHtml(data, plotLibrary()));
    return { data, text: benchText(data, { width: textWidth() }) };
  }
}
