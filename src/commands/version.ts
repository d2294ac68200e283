import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { versions } from '../operations/versions.ts';

export default class Version extends BaseCommand {
  static override summary = 'Versions of lambdactl, of what it runs on and of what it installs';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json'];

  protected override async execute(): Promise<CommandResult> {
    const data = await versions(this.config.version);
    const lines = [
      `lambdactl ${data.lambdactl} (Node ${data.node}, ${data.platform})`,
      ...data.artifacts.map(({ name, version }) => `  ${name.padEnd(12)} ${version}`),
    ];
    return { data, text: lines.join('\n') };
  }
}
