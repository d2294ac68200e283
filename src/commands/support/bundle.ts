import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { supportBundle } from '../../operations/support-bundle.ts';
import { bundleText } from '../../output/bundle-text.ts';

export default class SupportBundle extends BaseCommand {
  static override summary =
    'One archive for whoever helps: versions, configuration, states, logs, doctor’s findings; no secrets';
  static override description =
    'Passwords, keys and tokens are taken out of everything, in whatever form they are written. Works on a broken stack too. The archive can be read by you alone; look into it before you send it.';
  static override examples = [
    '<%= config.bin %> support bundle',
    '<%= config.bin %> support bundle --stack second --output /tmp/second.tar.gz',
  ];
  static override flags = withEnvironment({
    output: Flags.string({
      description: 'The archive (default: lambdactl-support-STACK-TIME.tar.gz here)',
      helpValue: 'FILE',
    }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(SupportBundle);
    const data = await supportBundle({ ...this.stackOf(flags), output: flags.output }, context);
    return { data, text: bundleText(data), leave: true };
  }
}
