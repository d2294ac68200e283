import { once } from 'node:events';
import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import { withEnvironment } from '../../cli/flags.ts';
import type { OperationContext } from '../../core/events.ts';
import { docsDbt, serveDocs } from '../../operations/docs-dbt.ts';

export default class DocsDbt extends BaseCommand {
  static override summary = 'Documentation and lineage of the dbt project, served on loopback until Ctrl-C';
  static override description =
    'One HTML page that needs nothing else: models, columns, tests, lineage, and what the warehouse knows of the tables.';
  static override examples = ['<%= config.bin %> docs dbt', '<%= config.bin %> docs dbt --output docs.html'];
  static override flags = withEnvironment({
    output: Flags.string({
      char: 'o',
      description: 'Write the page to this file and serve nothing',
      helpValue: 'FILE',
    }),
    port: Flags.integer({ description: 'Port to serve on; a free one when absent', min: 1, max: 65_535 }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(DocsDbt);
    const { output } = flags;
    const data = await docsDbt({ ...this.stackOf(flags), ...(output === undefined ? {} : { output }) }, context);
    const written = `${data.file} (${Math.round(data.bytes / 1024)} kB)`;
    if (output !== undefined || flags.json) return { data, text: `Written: ${written}` };
    const server = await serveDocs(data, flags.port ?? 0);
    process.stdout.write(`${server.url}\nCtrl-C ends it.\n`);
    // Served until somebody ends it: that is how this is meant to end.
    if (!context.signal.aborted) await once(context.signal, 'abort');
    await server.close();
    return { data: { ...data, url: server.url } };
  }
}
