import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { importErrorLine } from '../../operations/dags/import-errors.ts';
import { listDags } from '../../operations/dags/list.ts';
import { table } from '../../output/table.ts';

export default class DagsList extends BaseCommand {
  static override summary = 'DAGs with schedule, last and next run, and the files that cannot be loaded';
  static override description =
    'Exit 0 also when files cannot be loaded: they are shown first and are warnings in the JSON; `lambdactl health` exits 10 for them.';
  static override examples = ['<%= config.bin %> dags list', '<%= config.bin %> dags list --json'];

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DagsList);
    const data = await listDags(this.stackOf(flags), context);
    const errors = data.importErrors.map((error) => `CANNOT BE LOADED  ${importErrorLine(error)}`);
    const rows = data.dags.map(({ dag, paused, schedule, lastRun, nextRun, file }) => [
      dag,
      paused ? 'paused' : 'active',
      schedule ?? 'on request',
      lastRun === null ? 'never' : `${lastRun.state} ${minutes(lastRun.startedAt)}`,
      paused ? '' : minutes(nextRun),
      file,
    ]);
    const list = table(['DAG', 'STATE', 'SCHEDULE', 'LAST RUN', 'NEXT RUN', 'FILE'], rows);
    return { data, text: [...errors, ...(errors.length > 0 ? [''] : []), list].join('\n') };
  }
}

/** 2026-11-21T02:00:00.12Z → "2026-11-21 02:00" */
const minutes = (time: string | null): string => (time === null ? '' : time.slice(0, 16).replace('T', ' '));
