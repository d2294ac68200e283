import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { lakeQuery } from '../../operations/lake/lake.ts';
import { table } from '../../output/table.ts';

export default class LakeQuery extends BaseCommand {
  static override summary = "Run SQL on the lake, read-only, as it is or as it was: Spark's dialect";
  static override examples = [
    '<%= config.bin %> lake query "select event_type, count(*) from user_events group by 1 order by 2 desc"',
    '<%= config.bin %> lake query "select count(*) from lake.transactions" --as-of 2026-11-21T10:00:00Z',
    '<%= config.bin %> lake query --json "select * from user_events.files limit 10"',
  ];
  static override args = {
    sql: Args.string({ required: true, description: 'One reading statement; "-" reads it from stdin' }),
  };
  static override flags = withEnvironment({
    'as-of': Flags.string({
      description: 'As the tables were then: a time, a date (its end, UTC) or the id of a snapshot',
      helpValue: 'TIME|SNAPSHOT',
    }),
    'max-rows': Flags.integer({ description: 'Stop after this many rows', default: 10_000, min: 1, max: 1_000_000 }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(LakeQuery);
    const request = { ...this.stackOf(flags), sql: args.sql, asOf: flags['as-of'], maxRows: flags['max-rows'] };
    const data = await lakeQuery(request, context);
    const names = data.columns.map(({ name }) => name);
    const rows = data.rows.map((row) => names.map((name) => cell(row[name])));
    const note = data.truncated ? `\n(first ${data.rows.length} rows; --max-rows shows more)` : '';
    const time = data.asOf === null ? '' : ` as of ${data.asOf}`;
    const count = `${data.rows.length} rows in ${(data.elapsedMs / 1000).toFixed(1)} s, lake${time}${note}`;
    return { data, text: `${table(names, rows)}\n\n${count}` };
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '∅';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
