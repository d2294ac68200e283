import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { showLakeOffsets } from '../../operations/lake/lake.ts';
import { table } from '../../output/table.ts';

export default class LakeOffsets extends BaseCommand {
  static override summary = 'Which records of Kafka the lake holds, by topic and partition';
  static override examples = ['<%= config.bin %> lake offsets', '<%= config.bin %> lake offsets --counts --json'];
  static override flags = withEnvironment({
    counts: Flags.boolean({
      description: 'Count rows by partition as well: rows that equal max - min + 1 are all there, once',
    }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(LakeOffsets);
    const data = await showLakeOffsets({ ...this.stackOf(flags), counts: flags.counts }, context);
    const rows = Object.entries(data.next).flatMap(([topic, partitions]) =>
      Object.entries(partitions).map(([partition, next]) => [topic, partition, String(next)]),
    );
    return { data, text: table(['TOPIC', 'PARTITION>', 'NEXT OFFSET>'], rows) };
  }
}
