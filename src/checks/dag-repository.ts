import { dagBundle, mirrorOf, originOf } from '../components/airflow/environment.ts';
import { AirflowClient } from '../probes/airflow/client.ts';
import { exec } from '../system/exec.ts';
import { exists } from '../system/files.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Check, CheckContext } from './contract.ts';
import { outcome, plural, some } from './support.ts';

/** A commit this young may still be on its way: the mirror follows within ten seconds, Airflow reads it within thirty more. */
const graceMs = 90_000;

export const dagRepository: Check = {
  name: 'dag-repository',
  area: 'data',
  title: "Airflow runs the DAG repository's last commit",
  needs: ['airflow'],
  async run(context) {
    const directories = { dir: context.paths.dir };
    const [origin, mirror] = [originOf(directories), mirrorOf(directories)];
    if (!exists(origin)) {
      return outcome(`there is no ${origin}`, [
        {
          severity: 'error',
          what: `The stack's DAG repository is gone (${origin})`,
          why: 'DAGs can no longer be changed or read after a restart.',
          fix: { command: upCommand(context), safe: true },
        },
      ]);
    }
    const [head, mirrored] = await Promise.all([headOf(context, origin), headOf(context, mirror)]);
    const airflow = await AirflowClient.connect(await context.endpoint('airflow', 'rest'));
    const dags = await airflow.dags();
    const behind = dags.filter(({ bundle_version }) => bundle_version !== null && bundle_version !== head?.commit);
    const young = head !== null && context.now - head.time < graceMs;
    const short = head?.commit.slice(0, 8) ?? 'none';
    return outcome(`commit ${short} is what ${plural(dags.length, 'DAG')} run`, [
      young || head?.commit === mirrored?.commit
        ? null
        : {
            severity: 'error',
            what: `Airflow's mirror of the DAG repository is at ${mirrored?.commit.slice(0, 8) ?? 'no commit'}, pushed is ${short}`,
            why: 'What was pushed does not run.',
            fix: { command: commandFor(context, 'restart airflow'), safe: true },
          },
      young || behind.length === 0 || head?.commit !== mirrored?.commit
        ? null
        : {
            severity: 'warning',
            what: `${plural(behind.length, 'DAG')} still run an earlier commit than ${short}: ${some(behind.map(({ dag_id }) => dag_id))}`,
            why: 'The DAG processor has not read the last push, or its file cannot be loaded any more.',
            fix: { command: commandFor(context, 'restart airflow'), safe: true },
          },
    ]);
  },
};

async function headOf({ signal }: CheckContext, repository: string): Promise<{ commit: string; time: number } | null> {
  const args = [`--git-dir=${repository}`, 'log', '-1', '--format=%H %ct', dagBundle.branch];
  const { stdout, failure } = await exec('git', args, { signal });
  const [commit, seconds] = stdout.trim().split(' ');
  return failure !== undefined || commit === undefined || commit === ''
    ? null
    : { commit, time: Number(seconds) * 1000 };
}
