import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { deadLetterCounts } from '../../operations/dags/dead-letters.ts';

export default class DagsDeadLetters extends BaseCommand {
  static override summary = 'Records ever written to each dead letter topic: what the DAG dlq_watch looks at';
  static override examples = ['<%= config.bin %> dags dead-letters --json'];
  // For the DAG; people want `dlq`.
  static override hidden = true;

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(DagsDeadLetters);
    const data = await deadLetterCounts(this.stackOf(flags));
    return {
      data,
      text: Object.entries(data.topics)
        .map(([topic, count]) => `${topic}: ${count}`)
        .join('\n'),
    };
  }
}
