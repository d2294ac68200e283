import { Args } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import type { OperationContext } from '../core/events.ts';
import { restart } from '../operations/restart.ts';

export default class Restart extends BaseCommand {
  static override summary = 'Restart one component and wait until it is healthy';
  static override examples = ['<%= config.bin %> restart spark'];
  static override args = { component: Args.string({ required: true, description: 'e.g. kafka' }) };

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(Restart);
    const data = await restart({ ...this.stackOf(flags), component: args.component }, context);
    return { data, text: `${args.component} is healthy again.` };
  }
}
