import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import { query, queryLayers } from '../operations/query.ts';
import { table } from '../output/table.ts';

export default class Query extends BaseCommand {
  static override summary = 'Run SQL on the speed layer, the batch layer or both, read-only';
  static override examples = [
    '<%= config.bin %> query "select event_type, count() from user_events_realtime group by 1 order by 2 desc"',
    '<%= config.bin %> query --layer batch "select * from marts.daily_metrics order by 1 desc"',
    '<%= config.bin %> query --layer merged "select event_type, count(*) as events from user_events group by event_type"',
    '<%= config.bin %> query --json "select count(), uniqExact(event_id) from user_events_realtime"',
  ];
  static override args = {
    sql: Args.string({ required: true, description: 'One SELECT of the layer’s dialect; "-" reads it from stdin' }),
  };
  static override flags = withEnvironment({
    layer: Flags.option({
      options: queryLayers,
      default: 'speed' as const,
      description: 'Who answers; merged: batch up to its watermark, speed after it, over user_events and transactions',
    })(),
    'max-rows': Flags.integer({ description: 'Stop after this many rows', default: 10_000, min: 1 }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags, args } = await this.parse(Query);
    const data = await query({ ...this.stackOf(flags), sql: args.sql, layer: flags.layer, maxRows: flags['max-rows'] });
    const rows = data.rows.map((row) => data.columns.map(({ name }) => cell(row[name])));
    const answered = data.batchAnswered?.map(({ from, to }) => `\nbatch layer: ${from} to ${to}`).join('') ?? '';
    const note = data.truncated ? `\n(first ${data.rows.length} rows; --max-rows shows more)` : '';
    return {
      data,
      text: `${table(
        data.columns.map(({ name }) => name),
        rows,
      )}\n\n${data.rows.length} rows in ${data.elapsedMs.toFixed(0)} ms, ${data.layer} layer${note}${answered}`,
    };
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '∅';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
