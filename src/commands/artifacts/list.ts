import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { listArtifacts } from '../../operations/artifacts.ts';
import { mebibytes } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class ArtifactsList extends BaseCommand {
  static override summary = 'What the platform is made of: versions, sizes, installed or not';
  static override examples = ['<%= config.bin %> artifacts list', '<%= config.bin %> artifacts list --json'];

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(ArtifactsList);
    const data = await listArtifacts(this.stackOf(flags));
    const rows = data.artifacts.map((each) => [
      each.name,
      each.version,
      each.kind,
      each.installed ? 'installed' : 'missing',
      mebibytes(each.installed ? each.bytes : each.downloadBytes),
    ]);
    return { data, text: table(['NAME', 'VERSION', 'FROM', 'STATE', 'SIZE>'], rows) };
  }
}
