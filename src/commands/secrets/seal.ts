import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { sealSecrets } from '../../operations/secrets/seal.ts';
import { sealSources } from '../../operations/secrets/sources.ts';
import { sealText } from '../../output/secrets-text.ts';

export default class SecretsSeal extends BaseCommand {
  static override summary = 'Write secrets as SealedSecret files for git: one cluster alone can open them';
  static override description =
    'Every file is sealed for one name in one namespace. Values go to kubeseal’s standard input: nothing is written in the clear, nor stands in arguments or logs. A file that fits already is kept as it is.';
  static override examples = [
    '<%= config.bin %> secrets seal --context prod',
    '<%= config.bin %> secrets seal --cert certificate.pem --output gitops/sealed-secrets',
    '<%= config.bin %> secrets seal --name generated --profile full --values prod --cert certificate.pem',
  ];
  static override flags = withEnvironment({
    name: Flags.string({
      description: 'What: an account, or all that was generated for components; every account that is set when absent',
      options: [...sealSources],
      multiple: true,
      default: [],
    }),
    cert: Flags.string({
      description: 'Certificate to seal with, for work without a way to the cluster; no cluster is asked then',
      helpValue: 'FILE',
    }),
    context: Flags.string({
      description: "Context of the cluster to seal for; the stack's own when absent",
      helpValue: 'CONTEXT',
    }),
    controller: Flags.string({ description: "The controller's Service", helpValue: 'NAMESPACE/NAME' }),
    profile: Flags.string({
      description: 'Of --name generated: as for render; the stack’s own when absent',
      helpValue: 'NAME|FILE',
    }),
    values: Flags.string({ description: 'Laid over the profile, as for render', helpValue: 'NAME|FILE' }),
    output: Flags.string({ description: 'Directory of the files', helpValue: 'DIR', default: 'sealed-secrets' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask before a missing tool is fetched' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(SecretsSeal);
    const data = await sealSecrets(
      {
        ...this.stackOf(flags),
        sources: sealSources.filter((name) => flags.name.includes(name)),
        certificate: flags.cert ?? null,
        context: flags.context ?? null,
        controller: flags.controller ?? null,
        profile: flags.profile ?? null,
        values: flags.values ?? null,
        output: flags.output,
        confirm: async (question) => flags.yes || this.confirm(question),
      },
      context,
    );
    return { data, text: sealText(data) };
  }
}
