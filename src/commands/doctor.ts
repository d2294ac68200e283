import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { doctor, listChecks } from '../operations/doctor.ts';
import { writeReport } from '../operations/reconcile/files.ts';
import { doctorJunit } from '../output/doctor-junit.ts';
import { checkListText, doctorText } from '../output/doctor-text.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'What is wrong with the machine, the components or the data, and the command that mends it';
  static override description =
    'Looks at everything at the same time, in five seconds at most, in whatever state the stack is; also before the first `up`. Exit code 0: nothing is wrong, 10: something was found or could not be looked at.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --fix',
    '<%= config.bin %> doctor host ports',
    '<%= config.bin %> doctor --list',
    '<%= config.bin %> doctor --junit doctor.xml --json',
  ];
  static override strict = false;
  static override args = { checks: Args.string({ description: 'Checks or areas by name; all when none is named' }) };
  static override flags = withEnvironment({
    fix: Flags.boolean({ description: 'Carry out the fixes that lose nothing, then look again' }),
    list: Flags.boolean({ description: 'List the checks instead', exclusive: ['fix', 'junit'] }),
    format: Flags.option({
      options: ['text', 'junit'] as const,
      default: 'text' as const,
      description: 'What goes to stdout',
    })(),
    timeout: Flags.string({
      description: 'What one check may take on a machine that is very busy (default: 3.5s)',
      helpValue: 'DURATION',
    }),
    junit: Flags.string({ description: 'Also write a JUnit report', helpValue: 'FILE' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(Doctor);
    const names = argv.map(String);
    if (flags.list) {
      const checks = listChecks(names);
      return { data: { checks }, text: checkListText(checks) };
    }
    const data = await doctor({ ...this.stackOf(flags), names, fix: flags.fix, timeout: flags.timeout }, context);
    if (flags.junit !== undefined) await writeReport(flags.junit, doctorJunit(data));
    const text = flags.format === 'junit' ? doctorJunit(data) : doctorText(data, process.stdout.columns ?? 100);
    return { data, text, ok: data.ok, leave: true };
  }
}
