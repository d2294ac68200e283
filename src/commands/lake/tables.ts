import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { lakeTables } from '../../operations/lake/lake.ts';
import { grouped, mebibytes } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class LakeTables extends BaseCommand {
  static override summary = 'Tables of the lake: rows, files, size, partitions, columns, last snapshot';
  static override examples = ['<%= config.bin %> lake tables', '<%= config.bin %> lake tables --json'];

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(LakeTables);
    const data = await lakeTables(this.stackOf(flags), context);
    const rows = data.tables.map((each) => [
      `lake.${each.name}`,
      grouped(each.rows),
      grouped(each.files),
      grouped(each.smallFiles),
      mebibytes(each.bytes),
      each.partitionedBy.join(', ') || '–',
      each.lastSnapshot?.time ?? '–',
    ]);
    const headers = ['TABLE', 'ROWS>', 'FILES>', 'SMALL>', 'SIZE>', 'PARTITIONED BY', 'LAST SNAPSHOT'];
    const empty = 'The lake has no tables yet: whoever archives makes them when it starts.';
    return { data, text: rows.length === 0 ? empty : table(headers, rows) };
  }
}
