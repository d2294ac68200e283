import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { usageError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { type DbtReport, runDbt } from '../operations/dbt.ts';
import { table } from '../output/table.ts';

export default class Dbt extends BaseCommand {
  static override summary = 'Run dbt with the stack’s settings; what stands behind -- is dbt’s own';
  static override description =
    'The project is dags-repo/dbt. Without a date, dbt build replaces every date; with --vars \'{"date": "2026-11-20"}\' that one.';
  static override examples = [
    `<%= config.bin %> dbt build -- --vars '{"date": "2026-11-20"}'`,
    '<%= config.bin %> dbt test -- --select test_type:unit',
    '<%= config.bin %> dbt source freshness',
    '<%= config.bin %> dbt show -- --select daily_metrics --limit 5',
    '<%= config.bin %> dbt run -- --select user_sessions+ --full-refresh',
  ];
  // dbt's arguments are not ours to know.
  static override strict = false;

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { argv, flags } = await this.parse(Dbt);
    const args = argv.map(String);
    if (args.length === 0) {
      throw usageError('dbt needs a command.', {
        code: 'BAD_USAGE',
        actions: ['lambdactl dbt build', 'lambdactl dbt ls'],
      });
    }
    const data = await runDbt({ ...this.stackOf(flags), args, verbose: true }, context);
    return { data, ok: data.ok, text: [...data.output, ...troubles(data)].join('\n') };
  }
}

/** What did not succeed; dbt's own lines have told the rest. */
function troubles({ nodes }: DbtReport): string[] {
  const rows = nodes
    .filter(({ status }) => status !== 'success')
    .map(({ status, kind, name, failures, message }) => [
      status,
      kind,
      name,
      failures === null ? '' : String(failures),
      (message ?? '').split('\n')[0] ?? '',
    ]);
  return rows.length === 0 ? [] : [table(['status', 'kind', 'name', 'failures', 'message'], rows)];
}
