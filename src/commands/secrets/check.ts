import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { checkSecrets } from '../../operations/secrets/check.ts';
import { checkText } from '../../output/secrets-text.ts';

export default class SecretsCheck extends BaseCommand {
  static override summary =
    'Whether secrets can be opened, lie closed, are taken by the accounts of the profile, and are sealed as they are set; exit 10 if not';
  static override examples = [
    '<%= config.bin %> secrets check',
    '<%= config.bin %> secrets check --sealed gitops/sealed-secrets --scan gitops',
    '<%= config.bin %> secrets check --context prod --json',
  ];
  static override flags = withEnvironment({
    sealed: Flags.string({
      description: 'Directory of sealed files; where `secrets seal` wrote to last when absent',
      helpValue: 'DIR',
    }),
    context: Flags.string({
      description: 'Also ask the controller of this cluster whether it can open them',
      helpValue: 'CONTEXT',
    }),
    controller: Flags.string({ description: "The controller's Service", helpValue: 'NAMESPACE/NAME' }),
    scan: Flags.string({
      description: 'Directory in which no secret may stand in the clear, e.g. what `render` wrote',
      helpValue: 'DIR',
      multiple: true,
      default: [],
    }),
  });

  protected override async execute({ signal }: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(SecretsCheck);
    const { sealed = null, context = null, controller = null, scan } = flags;
    const data = await checkSecrets({ ...this.stackOf(flags), sealed, context, controller, scan }, signal);
    return { data, ok: data.ok, text: checkText(data) };
  }
}
