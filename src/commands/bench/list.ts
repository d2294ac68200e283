import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { benchScenarios } from '../../core/bench-report.ts';
import { listBench } from '../../operations/bench/store.ts';
import { benchListText } from '../../output/bench-text.ts';
import { textWidth } from '../../output/width.ts';

export default class BenchList extends BaseCommand {
  static override summary = 'Kept results of bench, newest first';
  static override description =
    'Results are kept in the home directory, not in a stack: they outlive `lambdactl down --volumes`.';
  static override examples = [
    '<%= config.bin %> bench list',
    '<%= config.bin %> bench list --scenario speed --limit 5',
    '<%= config.bin %> bench list --json',
  ];
  static override flags = withEnvironment({
    scenario: Flags.option({
      options: [...benchScenarios, 'all'] as const,
      description: 'Only runs of this scenario',
    })(),
    limit: Flags.integer({ description: 'At most this many', default: 20, min: 1 }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(BenchList);
    const data = await listBench(this.stackOf(flags), { scenario: flags.scenario, limit: flags.limit });
    return { data, text: benchListText(data, textWidth()) };
  }
}
