import { commandFor } from './commands.ts';
import type { Check, Finding } from './contract.ts';
import { outcome, withPostgres } from './support.ts';

/** What reports by a heartbeat into Airflow's database; the API server is asked over HTTP. */
const jobs = { SchedulerJob: 'scheduler', DagProcessorJob: 'DAG processor' } as const;
/** Airflow calls a process dead after three missed heartbeats of 10 s. */
const limitSeconds = 30;

export const airflowProcesses: Check = {
  name: 'airflow-processes',
  area: 'components',
  title: "Heartbeats of Airflow's processes",
  needs: ['airflow', 'postgres'],
  run: (context) =>
    withPostgres(context, 'airflow', 'airflow', async (client) => {
      const rows = await client.query<{ job: string; age: number }>(
        `SELECT job_type AS job, extract(epoch FROM now() - max(latest_heartbeat))::int AS age FROM job
          WHERE state = 'running' GROUP BY job_type`,
      );
      const ages = new Map(rows.map(({ job, age }) => [job, age]));
      const findings = Object.entries(jobs).flatMap(([job, name]): Finding[] => {
        const age = ages.get(job);
        if (age !== undefined && age <= limitSeconds) return [];
        const what =
          age === undefined
            ? `Airflow's ${name} has no running job`
            : `The last heartbeat of Airflow's ${name} is ${age} s old`;
        const why = job === 'SchedulerJob' ? 'No run is begun.' : 'Changes of DAGs are not read.';
        return [{ severity: 'error', what, why, fix: { command: commandFor(context, 'restart airflow'), safe: true } }];
      });
      const told = Object.entries(jobs).map(([job, name]) => `${name} ${ages.get(job) ?? '?'} s ago`);
      return outcome(`heartbeat of ${told.join(', ')}`, findings);
    }),
};
