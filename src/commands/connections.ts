import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import { connections } from '../operations/connections.ts';
import { table } from '../output/table.ts';

export default class Connections extends BaseCommand {
  static override summary = 'Ready URLs of every component, for clients and BI tools';
  static override examples = ['<%= config.bin %> connections', '<%= config.bin %> connections --show-passwords --json'];
  static override flags = withEnvironment({
    'show-passwords': Flags.boolean({ description: 'Print passwords too; otherwise only where they are kept' }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(Connections);
    const data = await connections({ ...this.stackOf(flags), showPasswords: flags['show-passwords'] });
    const rows = data.connections.map((each) => [
      each.component,
      each.url,
      each.user ?? '',
      each.password ?? '',
      each.description,
    ]);
    const text = `${table(['COMPONENT', 'URL', 'USER', flags['show-passwords'] ? 'PASSWORD' : '', 'FOR'], rows)}\n\nPasswords: sealed in ${data.secretsFile}; --show-passwords prints them`;
    return { data, text };
  }
}
