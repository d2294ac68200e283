import { bucket } from '../../platform/pipeline.ts';
import type { KubernetesContext } from '../kubernetes.ts';

/** Logs of tasks outlive their pods in the object store, beside the lake; the login to it is a connection of Airflow's. */
export const logStore = {
  secret: 'airflow-logs',
  key: 'connection',
  variable: 'AIRFLOW_CONN_LOGS',
  data: (context: KubernetesContext): Record<string, string> => ({ connection: JSON.stringify(connection(context)) }),
} as const;

function connection(context: KubernetesContext): object {
  const { storage } = context.profile.lake;
  const key = storage.kind === 'embedded' ? 'objectstore.key' : 'account.s3';
  const extra =
    storage.kind === 'embedded'
      ? {
          endpoint_url: `http://${context.hostOf('objectstore')}:${context.port('objectstore.s3')}`,
          region_name: 'us-east-1',
          config_kwargs: { s3: { addressing_style: 'path' } },
        }
      : { region_name: storage.region };
  return { conn_type: 'aws', login: context.user(key), password: context.secret(key), extra };
}

/** Section "logging" of Airflow's settings. */
export function logSettings({ profile }: Pick<KubernetesContext, 'profile'>): Record<string, string> {
  const { storage } = profile.lake;
  const root =
    storage.kind === 's3' ? [storage.bucket, ...storage.prefix.split('/').filter((part) => part !== '')] : [bucket];
  return {
    remote_logging: 'True',
    remote_base_log_folder: `s3://${[...root, 'airflow', 'logs'].join('/')}`,
    remote_log_conn_id: 'logs',
    delete_local_logs: 'True',
    colored_console_log: 'False',
  };
}
