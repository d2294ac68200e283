import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { imagesPin } from '../../operations/images/index.ts';
import { imagesPinText } from '../../output/images-text.ts';

export default class ImagesPin extends BaseCommand {
  static override summary =
    'Ask the registries for the digests of the upstream images, and write them as a part of a profile';
  static override description =
    'A tag is what its registry says it is today; a digest is the content. The digests come from the registries themselves, with the login of `docker login` where there is one. Every image or none is pinned.';
  static override examples = [
    '<%= config.bin %> images pin --profile full --output pins.yaml',
    '<%= config.bin %> images pin --profile full > pins.yaml',
  ];
  static override flags = withEnvironment({
    profile: Flags.string({
      description: "lite, full or a file; default: the stack's own, else lite",
      helpValue: 'NAME|FILE',
    }),
    output: Flags.string({ description: 'Write it there instead of showing it', helpValue: 'FILE' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(ImagesPin);
    const { profile, output = null } = flags;
    const data = await imagesPin({ ...this.stackOf(flags), profile, output }, context);
    return { data, text: imagesPinText(data) };
  }
}
