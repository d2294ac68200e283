import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { pruneArtifacts } from '../../operations/artifacts.ts';
import { mebibytes } from '../../output/format.ts';

export default class ArtifactsPrune extends BaseCommand {
  static override summary = 'Delete installed artifacts that the present lock no longer names';
  static override examples = ['<%= config.bin %> artifacts prune'];

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(ArtifactsPrune);
    const data = await pruneArtifacts(this.stackOf(flags), context);
    return {
      data,
      text:
        data.removed.length === 0
          ? 'Nothing to remove.'
          : `Removed ${data.removed.join(', ')} (${mebibytes(data.bytes)}).`,
    };
  }
}
