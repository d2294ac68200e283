import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { render } from '../operations/render.ts';
import { renderText } from '../output/render-text.ts';

export default class Render extends BaseCommand {
  static override summary = 'Write the platform as Kubernetes objects and Helm values, for GitOps';
  static override description =
    'The same pipeline as plain YAML: one file a component, Helm values a release, a kustomization over them. Needs no cluster, no stack and nothing installed. Secrets are left out and named, unless --with-secrets writes them into a file of mode 0600.';
  static override examples = [
    '<%= config.bin %> render --profile full --values prod --output deploy/',
    '<%= config.bin %> render --profile lite --output - | kubectl apply --server-side --dry-run=server -f -',
    '<%= config.bin %> render --component kafka --component connect --output deploy/',
  ];
  static override flags = withEnvironment({
    profile: Flags.string({ description: 'lite, full or a file', helpValue: 'NAME|FILE', default: 'lite' }),
    values: Flags.string({ description: 'Laid over the profile: dev, prod or a file', helpValue: 'NAME|FILE' }),
    output: Flags.string({
      description: 'Directory to write to; "-": one YAML stream',
      helpValue: 'DIR',
      required: true,
    }),
    component: Flags.string({
      multiple: true,
      description: 'Only this component and the base',
      helpValue: 'COMPONENT',
    }),
    'with-secrets': Flags.boolean({ description: "Write the stack's secrets too, in the clear" }),
    'image-tag': Flags.string({ description: 'Tag of our images (default: of their content)', helpValue: 'TAG' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Render);
    const data = await render(
      {
        ...this.stackOf(flags),
        profile: flags.profile,
        values: flags.values,
        output: flags.output,
        components: flags.component ?? [],
        withSecrets: flags['with-secrets'],
        imageTag: flags['image-tag'],
      },
      context,
    );
    return { data, text: data.yaml ?? renderText(data) };
  }
}
