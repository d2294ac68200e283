import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { imagesBuild } from '../../operations/images/index.ts';
import { imagesBuildText } from '../../output/images-text.ts';

export default class ImagesBuild extends BaseCommand {
  static override summary = "Build the components' images from the installed artifacts";
  static override description =
    'One image a component, named by what it holds: an image that is there is not built again. A cluster of kind gets them by `images load`, which `up --runtime kind` does by itself; for another cluster set `kubernetes.images.prefix` to a registry of yours, build, and push them there.';
  static override examples = [
    '<%= config.bin %> images build',
    '<%= config.bin %> images build kafka clickhouse',
    '<%= config.bin %> images build airflow --base registry.example.com/debian:bookworm-slim',
  ];
  static override strict = false;
  static override args = { components: Args.string({ description: 'Components; all when none is named' }) };
  static override flags = withEnvironment({
    engine: Flags.option({
      options: ['docker', 'podman', 'nerdctl'] as const,
      description: 'Container engine; default: the first that answers',
    })(),
    base: Flags.string({ description: 'Image that they are built on (default: Debian)', helpValue: 'IMAGE' }),
    platform: Flags.string({ description: "Only this machine's can be built", helpValue: 'OS/ARCH' }),
    profile: Flags.string({
      description: "lite, full or a file; default: the stack's own, else lite",
      helpValue: 'NAME|FILE',
    }),
    force: Flags.boolean({ description: 'Build what is there as well' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(ImagesBuild);
    const { engine, base, platform, profile, force } = flags;
    const request = { ...this.stackOf(flags), components: argv.map(String), engine, base, platform, profile, force };
    const data = await imagesBuild(request, context);
    return { data, text: imagesBuildText(data) };
  }
}
