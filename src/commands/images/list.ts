import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { imagesList } from '../../operations/images/index.ts';
import { imagesListText } from '../../output/images-text.ts';

export default class ImagesList extends BaseCommand {
  static override summary =
    "The components' images: name, size, whether the engine and the stack's kind cluster have them";
  static override examples = ['<%= config.bin %> images list', '<%= config.bin %> images list --json'];
  static override flags = withEnvironment({
    engine: Flags.option({
      options: ['docker', 'podman', 'nerdctl'] as const,
      description: 'Container engine; default: the first that answers',
    })(),
    profile: Flags.string({
      description: "lite, full or a file; default: the stack's own, else lite",
      helpValue: 'NAME|FILE',
    }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(ImagesList);
    const { engine, profile } = flags;
    const data = await imagesList({ ...this.stackOf(flags), engine, profile }, context);
    return { data, text: imagesListText(data) };
  }
}
