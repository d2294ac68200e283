import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationContext, StepStatus } from '../../core/events.ts';
import type { AirflowClient, DagRun, TaskInstance } from '../../probes/airflow/client.ts';

export interface TaskReport {
  task: string;
  state: string;
  tries: number;
  durationMs: number | null;
}

export interface RunReport {
  dag: string;
  run: string;
  state: string;
  durationMs: number | null;
  tasks: readonly TaskReport[];
  /** The task that failed and the end of its log; null when none did. */
  failure: { task: string; log: readonly string[] } | null;
}

const pollMs = 1000;
const lastLogLines = 25;

const stepStatus: Readonly<Record<string, StepStatus>> = {
  running: 'running',
  up_for_retry: 'running',
  restarting: 'running',
  success: 'done',
  failed: 'failed',
  upstream_failed: 'skipped',
  skipped: 'skipped',
  removed: 'skipped',
};

/** Shows the tasks of a run as steps until it ends. Interrupting stops the watching, not the run. */
export async function followRun(airflow: AirflowClient, run: DagRun, context: OperationContext): Promise<RunReport> {
  const order = (await airflow.tasks(run.dag_id)).flatMap(({ task_id }) => task_id ?? []);
  const shown = new Map<string, string>();
  for (const task of order) {
    context.emit({ type: 'step', id: task, title: task, status: 'pending' });
  }
  for (;;) {
    context.signal.throwIfAborted();
    // The run first: tasks read after it show its last state.
    const present = (await airflow.run(run.dag_id, run.dag_run_id)) ?? run;
    const instances = await airflow.taskInstances(run.dag_id, run.dag_run_id);
    for (const instance of instances) show(instance, shown, context);
    if (present.state === 'success' || present.state === 'failed') return report(airflow, present, instances);
    await sleep(pollMs, undefined, { signal: context.signal }).catch(() => {});
  }
}

function show(instance: TaskInstance, shown: Map<string, string>, { emit }: OperationContext): void {
  const status = stepStatus[instance.state ?? ''];
  const id = nameOf(instance);
  const mark = `${instance.state} ${instance.try_number}`;
  if (status === undefined || shown.get(id) === mark) return;
  shown.set(id, mark);
  const retry =
    instance.state === 'up_for_retry' ? `try ${instance.try_number} failed, will be tried again` : undefined;
  const again = status === 'running' && instance.try_number > 1 ? `try ${instance.try_number}` : undefined;
  const skipped = instance.state === 'upstream_failed' ? 'a task before it failed' : undefined;
  const detail = retry ?? again ?? skipped;
  emit({
    type: 'step',
    id,
    title: id,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(status === 'done' || status === 'failed' ? { elapsedMs: (instance.duration ?? 0) * 1000 } : {}),
  });
}

/** Mapped tasks have one instance an index. */
const nameOf = ({ task_id, map_index }: TaskInstance): string => (map_index < 0 ? task_id : `${task_id}[${map_index}]`);

async function report(airflow: AirflowClient, run: DagRun, instances: readonly TaskInstance[]): Promise<RunReport> {
  const failed = instances.find(({ state }) => state === 'failed');
  return {
    dag: run.dag_id,
    run: run.dag_run_id,
    state: run.state,
    durationMs: run.duration === null || run.duration === undefined ? null : run.duration * 1000,
    tasks: instances.map((instance) => ({
      task: nameOf(instance),
      state: instance.state ?? 'none',
      tries: instance.try_number,
      durationMs: instance.duration === null ? null : instance.duration * 1000,
    })),
    failure:
      failed === undefined
        ? null
        : {
            task: nameOf(failed),
            log: (await airflow.log(failed, failed.try_number)).slice(-lastLogLines),
          },
  };
}
