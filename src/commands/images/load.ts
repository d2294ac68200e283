import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { imagesLoad } from '../../operations/images/index.ts';
import { imagesLoadText } from '../../output/images-text.ts';

export default class ImagesLoad extends BaseCommand {
  static override summary = "Copy the components' images into the stack's kind cluster, building what is missing";
  static override examples = ['<%= config.bin %> images load', '<%= config.bin %> images load kafka --stack second'];
  static override strict = false;
  static override args = { components: Args.string({ description: 'Components; all when none is named' }) };
  static override flags = withEnvironment({
    base: Flags.string({ description: 'Image that they are built on (default: Debian)', helpValue: 'IMAGE' }),
    profile: Flags.string({
      description: "lite, full or a file; default: the stack's own, else lite",
      helpValue: 'NAME|FILE',
    }),
    force: Flags.boolean({ description: 'Build what is there as well' }),
    yes: Flags.boolean({ char: 'y', description: 'Fetch kind without asking where it is missing' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(ImagesLoad);
    const { base, profile, force } = flags;
    const confirm = async (question: string) => flags.yes || (await this.confirm(question));
    const request = { ...this.stackOf(flags), components: argv.map(String), base, profile, force, confirm };
    const data = await imagesLoad(request, context);
    return { data, text: imagesLoadText(data) };
  }
}
