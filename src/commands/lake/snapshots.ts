import { Args } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { lakeSnapshots } from '../../operations/lake/lake.ts';
import { grouped } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class LakeSnapshots extends BaseCommand {
  static override summary = 'Snapshots of a table of the lake, newest first: what `lake query --as-of` can go back to';
  static override examples = [
    '<%= config.bin %> lake snapshots user_events',
    '<%= config.bin %> lake snapshots lake.transactions --json',
  ];
  static override args = {
    table: Args.string({ required: true, description: 'Name of the table, with or without "lake."' }),
  };

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(LakeSnapshots);
    const data = await lakeSnapshots({ ...this.stackOf(flags), table: args.table }, context);
    const rows = data.snapshots.map((each) => [
      each.id,
      each.time,
      each.operation,
      grouped(each.addedRows),
      grouped(each.deletedRows),
      grouped(each.addedFiles),
      grouped(each.deletedFiles),
      grouped(each.totalRows),
    ]);
    const headers = ['ID', 'TIME', 'OPERATION', '+ROWS>', '-ROWS>', '+FILES>', '-FILES>', 'ROWS>'];
    return { data, text: rows.length === 0 ? 'The table has no snapshot: it is empty.' : table(headers, rows) };
  }
}
