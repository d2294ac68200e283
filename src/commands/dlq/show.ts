import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { showDeadLetters } from '../../operations/dlq/show.ts';
import { dlqShowText } from '../../output/dlq-text.ts';

export default class DlqShow extends BaseCommand {
  static override summary = 'Refused records with their headers and values, newest first';
  static override examples = [
    '<%= config.bin %> dlq show',
    '<%= config.bin %> dlq show user_events --reason wrong_type --limit 3',
    '<%= config.bin %> dlq show transactions --offset 2:118',
  ];
  static override args = {
    topic: Args.string({ description: 'A dead letter topic or its source topic (default: all)' }),
  };
  static override flags = withEnvironment({
    reason: Flags.string({ description: 'Only of this error class', helpValue: 'CLASS' }),
    since: Flags.string({ description: 'Only what was refused since, e.g. 1h or an ISO 8601 time', helpValue: 'TIME' }),
    offset: Flags.string({ description: 'One record of the dead letter topic', helpValue: 'PARTITION:OFFSET' }),
    limit: Flags.integer({ description: 'Records shown at most (default 10)', helpValue: 'N' }),
    width: Flags.integer({ description: 'Characters of a value shown at most (default 2000)', helpValue: 'N' }),
  });

  protected override async execute({ signal }: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(DlqShow);
    const { reason, since, offset, limit, width } = flags;
    const request = { ...this.stackOf(flags), topic: args.topic, reason, since, offset, limit, width };
    const data = await showDeadLetters(request, signal);
    return { data, text: dlqShowText(data) };
  }
}
