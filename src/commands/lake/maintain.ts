import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { lakeMaintain } from '../../operations/lake/lake.ts';
import { duration, grouped, mebibytes } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class LakeMaintain extends BaseCommand {
  static override summary = 'Compact small files of the lake, expire old snapshots, remove orphaned files';
  static override description =
    'Safe while records are being archived. Snapshots older than the profile’s lake.keepSnapshotsHours go, but the last five stay.';
  static override examples = [
    '<%= config.bin %> lake maintain',
    '<%= config.bin %> lake maintain --table user_events --table transactions',
  ];
  static override flags = withEnvironment({
    table: Flags.string({ char: 't', multiple: true, description: 'Only this table; may be repeated' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(LakeMaintain);
    const data = await lakeMaintain({ ...this.stackOf(flags), tables: flags.table ?? [] }, context);
    const rows = data.tables.map((each) => [
      `lake.${each.name}`,
      grouped(each.after.rows),
      `${grouped(each.before.files)} → ${grouped(each.after.files)}`,
      `${mebibytes(each.before.bytes)} → ${mebibytes(each.after.bytes)}`,
      grouped(each.expiredSnapshots),
      grouped(each.orphanFiles),
      duration(each.elapsedMs),
    ]);
    const headers = ['TABLE', 'ROWS>', 'FILES>', 'SIZE>', 'EXPIRED SNAPSHOTS>', 'ORPHANS>', 'TOOK>'];
    return { data, text: rows.length === 0 ? 'The lake has no tables yet.' : table(headers, rows) };
  }
}
