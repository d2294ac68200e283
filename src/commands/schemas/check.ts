import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import { checkSchemas } from '../../operations/schemas/check.ts';
import { table } from '../../output/table.ts';

export default class SchemasCheck extends BaseCommand {
  static override summary =
    'Compare schemas/ with what is registered, before it is deployed; exit 10 when incompatible';
  static override examples = [
    '<%= config.bin %> schemas check',
    '<%= config.bin %> schemas check --directory ../my-change/schemas --json',
  ];
  static override flags = withEnvironment({
    directory: Flags.string({ description: 'Take the schemas from here instead of the project', helpValue: 'DIR' }),
  });

  protected override async execute(): Promise<CommandResult> {
    const { flags } = await this.parse(SchemasCheck);
    const data = await checkSchemas({ ...this.stackOf(flags), directory: flags.directory });
    const rows = data.subjects.map(({ subject, registeredVersion, verdict, changes }) => [
      subject,
      registeredVersion === null ? '–' : String(registeredVersion),
      verdict,
      changes.map(({ field, change, compatible }) => `${compatible ? '' : '✗ '}${field}: ${change}`).join('\n'),
    ]);
    const end = data.compatible
      ? ''
      : '\n\nRefused: data already written could not be read any more. Nothing was changed.';
    return { data, ok: data.compatible, text: `${table(['SUBJECT', 'VERSION>', 'VERDICT', 'CHANGES'], rows)}${end}` };
  }
}
