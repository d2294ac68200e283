import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { purgeDeadLetters } from '../../operations/dlq/purge.ts';
import { dlqPurgeText } from '../../output/dlq-text.ts';

export default class DlqPurge extends BaseCommand {
  static override summary = 'Delete refused records, from the oldest on (asks)';
  static override examples = [
    '<%= config.bin %> dlq purge --replayed',
    '<%= config.bin %> dlq purge --topic user_events --before 7d --yes',
    '<%= config.bin %> dlq purge --all --yes',
  ];
  static override flags = withEnvironment({
    topic: Flags.string({ description: 'A dead letter topic or its source topic (default: all)', helpValue: 'TOPIC' }),
    before: Flags.string({
      description: 'What was refused before, e.g. 7d (ago) or an ISO 8601 time',
      helpValue: 'TIME',
    }),
    replayed: Flags.boolean({ description: 'What was replayed, up to the first record that was not' }),
    reason: Flags.string({ description: 'Of this error class, where no other is older', helpValue: 'CLASS' }),
    all: Flags.boolean({ description: 'Everything' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DlqPurge);
    const { topic, before, replayed, reason, all } = flags;
    const confirm = async (question: string) => flags.yes || (await this.confirm(question));
    const data = await purgeDeadLetters(
      { ...this.stackOf(flags), topic, before, replayed, reason, all, confirm },
      context,
    );
    return { data, text: dlqPurgeText(data) };
  }
}
