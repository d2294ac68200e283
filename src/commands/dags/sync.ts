import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { syncDags } from '../../operations/dags/sync.ts';
import { duration } from '../../output/format.ts';

export default class DagsSync extends BaseCommand {
  static override summary = 'Push DAGs to the stack’s repository and wait until Airflow runs them';
  static override description =
    'A plain directory becomes the next commit as it is; in a git clone the work is committed and pushed. Exit 10 when a file of it cannot be loaded.';
  static override examples = [
    '<%= config.bin %> dags sync',
    '<%= config.bin %> dags sync --from ~/my-dags -m "Report at six"',
    '<%= config.bin %> dags sync --no-wait --json',
  ];
  static override flags = withEnvironment({
    from: Flags.string({ description: 'Directory with dags/ (default: the project’s dags-repo)', helpValue: 'DIR' }),
    message: Flags.string({ char: 'm', description: 'Message of the commit' }),
    force: Flags.boolean({ description: 'Also when the repository has commits from somewhere else' }),
    wait: Flags.boolean({ description: 'Until Airflow has read it', default: true, allowNo: true }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DagsSync);
    const { from, message, force, wait } = flags;
    const data = await syncDags({ ...this.stackOf(flags), from, message, force, wait }, context);
    const what = data.changed ? `pushed ${data.commit} to ${data.branch}` : `nothing new: ${data.commit}`;
    const seen = data.visibleMs === null ? '' : `, read by Airflow after ${duration(data.visibleMs)}`;
    return { data, text: `${what}${seen}\nRepository: ${data.origin}`, ok: data.importErrors.length === 0 };
  }
}
