import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { rotateSecrets } from '../../operations/secrets/rotate.ts';
import { rotateText } from '../../output/secrets-text.ts';

export default class SecretsRotate extends BaseCommand {
  static override summary = 'Replace generated passwords by new ones, and restart what uses them (asks)';
  static override description =
    'Without names every credential that can be rotated is. Data and streams are kept: what is restarted goes on where it was.';
  static override examples = [
    '<%= config.bin %> secrets rotate --dry-run',
    '<%= config.bin %> secrets rotate postgres.debezium clickhouse --yes',
  ];
  static override strict = false;
  static override args = {
    name: Args.string({ description: 'Credentials, e.g. postgres.shop, or components for all of theirs' }),
  };
  static override flags = withEnvironment({
    'dry-run': Flags.boolean({ description: 'Say what would be replaced and restarted' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(SecretsRotate);
    const data = await rotateSecrets(
      {
        ...this.stackOf(flags),
        names: argv.map(String),
        dryRun: flags['dry-run'],
        confirm: async ({ rotations }, restarts) => {
          if (flags.yes) return true;
          const after = restarts.length === 0 ? '' : ` and restart ${restarts.join(', ')}`;
          return this.confirm(`Replace ${rotations.length} credentials${after}?`);
        },
      },
      context,
    );
    return { data, text: rotateText(data) };
  }
}
