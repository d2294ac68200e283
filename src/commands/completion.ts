import { Args } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { completionScript } from '../cli/completion.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print a completion script for your shell';
  static override examples = [
    'eval "$(<%= config.bin %> completion bash)"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
    '<%= config.bin %> completion zsh > "${fpath[1]}/_lambdactl"',
    '<%= config.bin %> completion fish | source',
  ];
  static override args = {
    shell: Args.string({ required: true, options: ['bash', 'zsh', 'fish'], description: 'Shell' }),
  };

  protected override async execute(): Promise<CommandResult> {
    const { args } = await this.parse(Completion);
    const commands = this.config.commands
      .filter(({ hidden }) => !hidden)
      .map(({ id, summary = '', flags }) => ({ words: id.split(':'), summary, flags: Object.keys(flags) }));
    const script = completionScript(args.shell, commands);
    return { data: { shell: args.shell, script }, text: script };
  }
}
