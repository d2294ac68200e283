import { Args } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { compareBench } from '../../operations/bench/compare.ts';
import { benchCompareText } from '../../output/bench-compare-text.ts';
import { textWidth } from '../../output/width.ts';

const names = 'id or its beginning, "latest", "previous", or a .json file';

export default class BenchCompare extends BaseCommand {
  static override summary = 'Two results of bench side by side, judged by the spread of runs like them';
  static override description =
    'A figure is better or worse only where it changed by more than runs of the same differ by; without two kept runs of the same nothing beyond 2 % is judged. Says where machine, profile, component versions or load differ.';
  static override examples = [
    '<%= config.bin %> bench compare previous latest',
    '<%= config.bin %> bench compare 20261120-0912 latest --json',
    '<%= config.bin %> bench compare other-machine.json latest',
  ];
  static override args = {
    a: Args.string({ description: `Before: ${names}`, required: true }),
    b: Args.string({ description: `After: ${names}`, required: true }),
  };

  protected override async execute(): Promise<CommandResult> {
    const { args, flags } = await this.parse(BenchCompare);
    const data = await compareBench(this.stackOf(flags), args);
    return { data, text: benchCompareText(data, textWidth()) };
  }
}
