import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { newDag } from '../../operations/dags/new.ts';

export default class DagsNew extends BaseCommand {
  static override summary = 'Write a commented DAG to begin with';
  static override examples = [
    '<%= config.bin %> dags new daily_report',
    '<%= config.bin %> dags new daily_report --to ~/my-dags',
  ];
  static override args = { name: Args.string({ required: true, description: 'Name of the DAG and of its file' }) };
  static override flags = withEnvironment({
    to: Flags.string({
      description: 'Directory that holds dags/ (default: the project’s dags-repo)',
      helpValue: 'DIR',
      env: 'LAMBDACTL_DAGS_DIR',
    }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags, args } = await this.parse(DagsNew);
    const data = await newDag(args.name, flags.to);
    return { data, text: `${data.path}\nThen: lambdactl dags sync && lambdactl dags trigger ${data.dag} --wait` };
  }
}
