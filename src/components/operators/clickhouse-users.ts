import { clickhouse as layout } from '../../platform/pipeline.ts';
import type { KubernetesContext } from '../kubernetes.ts';
import { mebibytes } from '../units.ts';

type Settings = Record<string, string | number | readonly string[]>;

interface User {
  credential: 'clickhouse.admin' | 'clickhouse.speed' | 'clickhouse.dashboard';
  profile: string;
  grants: readonly string[];
}

/** The users of templates/clickhouse/users.xml.eta but the launcher's, which a server of its own does not need. */
const users: readonly User[] = [
  { credential: 'clickhouse.admin', profile: 'default', grants: [] },
  {
    credential: 'clickhouse.speed',
    profile: 'writer',
    grants: [`GRANT SELECT, INSERT ON ${layout.database}.*`, 'GRANT SELECT ON system.processes'],
  },
  { credential: 'clickhouse.dashboard', profile: 'reader', grants: [`GRANT SELECT ON ${layout.database}.*`] },
];

/**
 * Users, profiles and quotas as a ClickHouseInstallation takes them: paths of users.xml. Passwords are hashes in a Secret.
 * @param secretName Secret with a user's hash under its name
 */
export function userSettings(
  context: KubernetesContext,
  secretName: string,
): { users: Settings; profiles: Settings; quotas: Settings } {
  const entries = users.flatMap(({ credential, profile, grants }): [string, string | number | readonly string[]][] => {
    const name = context.user(credential);
    return [
      [`${name}/k8s_secret_password_sha256_hex`, `${secretName}/${name}`],
      // Who reaches the server at all is for the NetworkPolicies to say.
      [`${name}/networks/ip`, [context.clientNetwork]],
      [`${name}/profile`, profile],
      [`${name}/quota`, 'default'],
      ...(grants.length === 0 ? [] : ([[`${name}/grants/query`, grants]] as [string, readonly string[]][])),
    ];
  });
  return {
    users: Object.fromEntries(entries),
    profiles: profiles(context),
    quotas: { 'default/interval/duration': 3600 },
  };
}

function profiles(context: KubernetesContext): Settings {
  const memory = mebibytes(context.profile.components.clickhouse.memoryMiB / 2);
  return {
    'default/async_insert': 0,
    'default/insert_deduplicate': 0,
    'default/log_queries': 0,
    'writer/profile': 'default',
    'writer/max_memory_usage': memory,
    'reader/profile': 'default',
    // 2: settings may be changed for a query, data may not.
    'reader/readonly': 2,
    'reader/max_memory_usage': memory,
    'reader/max_execution_time': 60,
    'reader/max_bytes_before_external_group_by': Math.round(memory / 2),
    'reader/max_bytes_before_external_sort': Math.round(memory / 2),
  };
}
