import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { listDeadLetters } from '../../operations/dlq/list.ts';
import { dlqListText } from '../../output/dlq-text.ts';

export default class DlqList extends BaseCommand {
  static override summary = 'Records that were refused: how many, why, since when, replayed or not';
  static override examples = [
    '<%= config.bin %> dlq list',
    '<%= config.bin %> dlq list --topic transactions --since 1h',
    '<%= config.bin %> dlq list --json',
  ];
  static override flags = withEnvironment({
    topic: Flags.string({ description: 'A dead letter topic or its source topic (default: all)', helpValue: 'TOPIC' }),
    since: Flags.string({ description: 'Only what was refused since, e.g. 1h or an ISO 8601 time', helpValue: 'TIME' }),
    limit: Flags.integer({
      description:
        'Records read at most of each topic, the newest: error classes are counted among them (default 100000)',
      helpValue: 'N',
    }),
  });

  protected override async execute({ signal }: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DlqList);
    const { topic, since, limit } = flags;
    const data = await listDeadLetters({ ...this.stackOf(flags), topic, since, limit }, signal);
    return { data, text: dlqListText(data) };
  }
}
