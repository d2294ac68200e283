import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { ingest, ingestFormats, ingestStreams } from '../operations/ingest/ingest.ts';
import { table } from '../output/table.ts';

export default class Ingest extends BaseCommand {
  static override summary =
    'Your own events or tables into the streams or the lake: JSON Lines, CSV or Parquet, with a mapping';
  static override strict = false;
  static override examples = [
    '<%= config.bin %> ingest events.jsonl',
    '<%= config.bin %> ingest orders.csv --stream transactions --mapping orders.yaml --dry-run',
    '<%= config.bin %> ingest history-2025.parquet --to lake',
    '<%= config.bin %> ingest clicks-2026-11-*.parquet --mapping clicks.yaml --on-invalid skip',
  ];
  static override args = {
    file: Args.string({ required: true, description: 'Files; JSON Lines and CSV may be gzipped' }),
  };
  static override flags = withEnvironment({
    stream: Flags.option({
      options: ingestStreams,
      default: 'user_events' as const,
      description: 'Stream the rows become records of',
    })(),
    to: Flags.option({
      options: ['stream', 'lake'] as const,
      default: 'stream' as const,
      description:
        'stream: the way of every record; lake: straight into its table, for history that the speed layer would refuse',
    })(),
    mapping: Flags.string({ description: 'Which column is which field (docs/ingest.md)', helpValue: 'FILE' }),
    format: Flags.option({ options: ingestFormats, description: 'Instead of what the ending tells' })(),
    'on-invalid': Flags.option({
      options: ['stop', 'skip', 'send'] as const,
      default: 'stop' as const,
      description: 'stop: send nothing; skip: leave such rows out; send: let the pipeline judge',
    })(),
    'dry-run': Flags.boolean({ description: 'Only check the rows' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(Ingest);
    const { stream, to, mapping, format } = flags;
    const request = { ...this.stackOf(flags), files: argv.map(String), stream, to, mapping, format };
    const data = await ingest({ ...request, onInvalid: flags['on-invalid'], dryRun: flags['dry-run'] }, context);
    const rows = data.files.map(({ file, rows, sent, invalid }) => [file, String(rows), String(sent), String(invalid)]);
    const problems = data.files.flatMap(({ file, problems }) => problems.map((each) => `${file}, ${each}`));
    const invalid = data.files.some((each) => each.invalid > 0);
    return {
      data,
      ok: !(data.dryRun && invalid),
      text: [table(['FILE', 'ROWS>', 'SENT>', 'INVALID>'], rows), ...problems].join('\n'),
    };
  }
}
