import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { checkSecrets } from '../../operations/secrets/check.ts';
import { table } from '../../output/table.ts';

export default class SecretsCheck extends BaseCommand {
  static override summary =
    'Whether secrets can be opened, lie closed, and are taken by the accounts of the profile; exit 10 if not';
  static override examples = ['<%= config.bin %> secrets check', '<%= config.bin %> secrets check --json'];

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(SecretsCheck);
    const data = await checkSecrets(this.stackOf(flags));
    const rows = data.findings.map(({ name, ok, detail }) => [ok ? 'ok' : 'FAIL', name, detail]);
    return { data, ok: data.ok, text: table(['', 'SECRET', 'DETAIL'], rows) };
  }
}
