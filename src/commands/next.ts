import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { nextStep } from '../operations/next-step.ts';

export default class Next extends BaseCommand {
  static override summary = 'What to do next in the present state (also: lambdactl without arguments)';
  static override examples = ['<%= config.bin %> next', '<%= config.bin %>'];

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(Next);
    const data = await nextStep(this.stackOf(flags));
    return { data, text: [data.says, '', ...data.commands.map((command) => `  ${command}`)].join('\n') };
  }
}
