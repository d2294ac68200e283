import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { generateChanges } from '../../operations/generate-changes.ts';

export default class GenerateCdc extends BaseCommand {
  static override summary = 'Insert, update and delete rows of the shop in PostgreSQL, for change data capture';
  static override examples = [
    '<%= config.bin %> generate cdc --rate 200 --duration 30s',
    '<%= config.bin %> generate cdc --pattern bulk --rate 10000 --count 100000',
  ];
  static override flags = withEnvironment({
    pattern: Flags.option({
      options: ['trickle', 'bulk', 'burst'] as const,
      default: 'trickle' as const,
      description: 'Single rows, statements of thousands, or calm and bursts',
    })(),
    rate: Flags.string({ char: 'r', description: 'Rows a second', default: '100' }),
    duration: Flags.string({
      char: 'd',
      description: 'How long, e.g. 60s; until Ctrl-C when absent',
      helpValue: 'TIME',
    }),
    count: Flags.string({ char: 'n', description: 'How many rows' }),
    seed: Flags.string({ description: 'Whole number that determines all changes; drawn when absent' }),
    users: Flags.string({ description: 'How many of the seeded users; all when absent' }),
    products: Flags.string({ description: 'How many of the seeded products; all when absent' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(GenerateCdc);
    const data = await generateChanges({ ...this.stackOf(flags), flags }, context);
    const { inserted, updated, deleted, achievedRate } = data;
    return {
      data,
      text: `${inserted} inserted, ${updated} updated, ${deleted} deleted: ${Math.round(achievedRate)} rows/s. Repeat it: --seed ${data.seed}`,
    };
  }
}
