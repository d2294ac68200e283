import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { replayDeadLetters } from '../../operations/dlq/replay.ts';
import { dlqReplayText } from '../../output/dlq-text.ts';

export default class DlqReplay extends BaseCommand {
  static override summary = 'Put refused records back on their topics, each once, through the same validation';
  static override examples = [
    '<%= config.bin %> dlq replay --dry-run',
    '<%= config.bin %> dlq replay --topic user_events --reason future_timestamp',
    '<%= config.bin %> dlq replay --topic transactions --reason unknown_value --set status=completed',
  ];
  static override flags = withEnvironment({
    topic: Flags.string({ description: 'A dead letter topic or its source topic (default: all)', helpValue: 'TOPIC' }),
    reason: Flags.string({ description: 'Only of this error class', helpValue: 'CLASS' }),
    since: Flags.string({ description: 'Only what was refused since, e.g. 1h or an ISO 8601 time', helpValue: 'TIME' }),
    limit: Flags.integer({ description: 'Records put back at most, the oldest first', helpValue: 'N' }),
    set: Flags.string({
      description: 'Change a field of every record put back; dots lead into objects, values are JSON or text',
      helpValue: 'FIELD=VALUE',
      multiple: true,
      default: [],
    }),
    'dry-run': Flags.boolean({ description: 'Only count' }),
    force: Flags.boolean({ description: 'Also what was refused three times' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DlqReplay);
    const { topic, reason, since, limit, set, force } = flags;
    const request = { ...this.stackOf(flags), topic, reason, since, limit, set, force, dryRun: flags['dry-run'] };
    const data = await replayDeadLetters(request, context);
    return { data, text: dlqReplayText(data) };
  }
}
