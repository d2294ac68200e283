import type { RenderedFile } from '../core/service-spec.ts';
import type { JobDefinition, JobPlan, RenderContext } from './contract.ts';

/** What a run of lambdactl in a cluster is given of its stack. */
export interface CliStack {
  /** Files that say what the stack is, for this directory. */
  files(directory: string): readonly RenderedFile[];
  /** Environment that goes with them. */
  environment(directory: string): Readonly<Record<string, string>>;
}

/**
 * lambdactl itself, run where its stack runs: for loads that no way from outside carries. Arguments are its own; stdout is what it prints.
 * @param stack null for commands that need none (`generate --bootstrap`): then no secret goes with it
 */
export function cliJob(stack: CliStack | null): JobDefinition {
  return {
    name: 'lambdactl',
    title: 'lambdactl in the cluster',
    dependsOn: [],
    artifacts: [],
    render: (context, args) => render(context, args, stack),
  };
}

function render(context: RenderContext, args: readonly string[], stack: CliStack | null): JobPlan {
  const conf = context.dir('lambdactl', 'conf');
  return {
    files: stack?.files(conf) ?? [],
    command: {
      executable: launcherOf(context),
      args: [...args],
      env: {
        LAMBDACTL_HOME: context.dir('lambdactl', 'data'),
        LAMBDACTL_STACK: context.stack,
        ...stack?.environment(conf),
      },
      cwd: context.dir('lambdactl', 'run'),
    },
  };
}

/** Lies beside the project's directories. */
function launcherOf(context: RenderContext): string {
  const project = context.projectDir('dags-repo');
  return `${project.slice(0, project.lastIndexOf('/'))}/bin/lambdactl`;
}
