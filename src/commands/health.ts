import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { health } from '../operations/health.ts';
import { healthText } from '../output/status-text.ts';

export default class Health extends BaseCommand {
  static override summary = 'Ask every component now, by its own protocol; exit 10 when one does not answer';
  static override examples = ['<%= config.bin %> health', '<%= config.bin %> health --json'];

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(Health);
    const data = await health(this.stackOf(flags));
    return { data, text: healthText(data), ok: data.healthy };
  }
}
