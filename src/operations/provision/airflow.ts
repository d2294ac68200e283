import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationContext } from '../../core/events.ts';
import { AirflowClient } from '../../probes/airflow/client.ts';
import type { ProvisionContext } from './context.ts';

const patienceMs = 45_000;

/** Waits until the DAGs were read for the first time, so that what follows `up` may trigger one. */
export async function provisionAirflow({ runtime }: ProvisionContext, { signal }: OperationContext): Promise<string> {
  const airflow = await AirflowClient.connect(await runtime.endpoint('airflow', 'rest'));
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    signal.throwIfAborted();
    const [dags, broken] = await Promise.all([airflow.dags(), airflow.importErrors()]);
    if (dags.length + broken.length > 0) {
      return `${dags.length} DAGs${broken.length > 0 ? `, ${broken.length} files cannot be loaded` : ''}`;
    }
    await sleep(300, undefined, { signal }).catch(() => {});
  }
  // An empty repository is the user's business.
  return 'no DAGs';
}
