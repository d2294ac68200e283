import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { portAssignments, withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { runtimeNames } from '../operations/runtime-choice.ts';
import { up } from '../operations/up.ts';
import { upText } from '../output/up-text.ts';

export default class Up extends BaseCommand {
  static override summary = 'Bring the platform up: install, start, provision; run again to repair or upgrade';
  static override description =
    'Checks the machine, installs what is missing, starts every component in dependency order and waits until each answers by its own protocol. What already runs as desired is left alone.';
  static override examples = [
    '<%= config.bin %> up --profile lite',
    '<%= config.bin %> up --dry-run',
    '<%= config.bin %> up --only clickhouse --json',
    '<%= config.bin %> up --stack second --profile ./mine.yaml --any-port',
    '<%= config.bin %> up --runtime kind',
    '<%= config.bin %> up --runtime kubernetes --context staging',
  ];
  static override flags = withEnvironment({
    profile: Flags.string({
      description: 'lite, full or a file; default: the one used before, else lite',
      helpValue: 'NAME|FILE',
    }),
    runtime: Flags.option({
      options: runtimeNames,
      default: 'auto' as const,
      description:
        'Where components run: embedded (processes of this machine), kind (a cluster made for it) or kubernetes (--context); auto takes kind where it can, else embedded, and says why',
    })(),
    context: Flags.string({
      description: 'Cluster for --runtime kubernetes, as the kubeconfig names it',
      helpValue: 'NAME',
    }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask before changing a cluster or fetching a tool' }),
    only: Flags.string({
      multiple: true,
      description: 'Only this component and what it needs',
      helpValue: 'COMPONENT',
    }),
    without: Flags.string({ multiple: true, description: 'Leave this component out', helpValue: 'COMPONENT' }),
    'dry-run': Flags.boolean({ description: 'Show what would be done and change nothing' }),
    port: Flags.string({ multiple: true, description: 'Fix a port, e.g. postgres.sql=5433', helpValue: 'ID=PORT' }),
    'any-port': Flags.boolean({ description: 'Take another port where the default one is busy' }),
    force: Flags.boolean({ description: 'Go on although the machine is smaller than the profile' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Up);
    const data = await up(
      {
        ...this.stackOf(flags),
        profile: flags.profile,
        only: flags.only ?? [],
        without: flags.without ?? [],
        dryRun: flags['dry-run'],
        ports: portAssignments(flags.port ?? []),
        anyPort: flags['any-port'],
        force: flags.force,
        runtime: flags.runtime,
        context: flags.context,
        confirm: async (question) => flags.yes || (await this.confirm(question)),
      },
      context,
    );
    return { data, text: upText(data) };
  }
}
