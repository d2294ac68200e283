import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import { query } from '../operations/query.ts';
import { table } from '../output/table.ts';

export default class Query extends BaseCommand {
  static override summary = 'Run SQL on the speed layer, read-only';
  static override examples = [
    '<%= config.bin %> query "select event_type, count() from user_events_realtime group by 1 order by 2 desc"',
    '<%= config.bin %> query --json "select count(), uniqExact(event_id) from user_events_realtime"',
  ];
  static override args = {
    sql: Args.string({ required: true, description: 'One SELECT of the layer’s dialect; "-" reads it from stdin' }),
  };
  static override flags = withEnvironment({
    layer: Flags.option({
      options: ['speed'] as const,
      default: 'speed' as const,
      description: 'Layer that answers',
    })(),
    'max-rows': Flags.integer({ description: 'Stop after this many rows', default: 10_000, min: 1 }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags, args } = await this.parse(Query);
    const data = await query({ ...this.stackOf(flags), sql: args.sql, maxRows: flags['max-rows'] });
    const rows = data.rows.map((row) => data.columns.map(({ name }) => cell(row[name])));
    const note = data.truncated ? `\n(first ${data.rows.length} rows; --max-rows shows more)` : '';
    return {
      data,
      text: `${table(
        data.columns.map(({ name }) => name),
        rows,
      )}\n\n${data.rows.length} rows in ${data.elapsedMs.toFixed(0)} ms, ${data.layer} layer${note}`,
    };
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '∅';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
