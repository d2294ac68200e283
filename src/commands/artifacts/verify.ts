import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { verifyArtifacts } from '../../operations/artifacts.ts';

export default class ArtifactsVerify extends BaseCommand {
  static override summary = 'Compare every installed file with what was locked; exit 10 when one differs';
  static override examples = ['<%= config.bin %> artifacts verify'];

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(ArtifactsVerify);
    const data = await verifyArtifacts(this.stackOf(flags), context);
    const lines = data.artifacts.map(({ name, ok, problems }) =>
      ok ? `ok    ${name}` : `FAIL  ${name}: ${problems.join('; ')}`,
    );
    if (!data.ok) lines.push('', 'Damaged artifacts are installed anew by `lambdactl up`.');
    return { data, text: lines.join('\n'), ok: data.ok };
  }
}
