import { XMLParser } from 'fast-xml-parser';
import { expect, it } from 'vitest';
import { clusterOptions, shippedProfile } from '../../../test/support/cluster.ts';
import { clusterContext } from '../../runtimes/kubernetes/render.ts';
import { clickhouse } from '../clickhouse/component.ts';
import { userSettings } from './clickhouse-users.ts';
import { fileOf } from './objects.ts';

it('says of users and profiles what the settings of plain delivery say', async () => {
  const context = clusterContext(await clusterOptions(await shippedProfile('full')));
  const xml = fileOf(clickhouse.render(context, 'clickhouse').files, 'users.xml');
  const { clickhouse: rendered } = new XMLParser().parse(xml);
  const { users, profiles } = userSettings(context, 'hashes');
  for (const [profile, settings] of Object.entries<Record<string, unknown>>(rendered.profiles)) {
    for (const [key, value] of Object.entries(settings))
      expect(profiles[`${profile}/${key}`], `${profile}/${key}`).toBe(value);
  }
  for (const [name, user] of Object.entries<Record<string, unknown>>(rendered.users)) {
    // The launcher's own session.
    if (name === 'default') continue;
    expect(users[`${name}/profile`], name).toBe(user.profile);
    const { query = [] } = (user.grants ?? {}) as { query?: string | string[] };
    expect(users[`${name}/grants/query`] ?? [], name).toEqual([query].flat());
    expect(users[`${name}/k8s_secret_password_sha256_hex`]).toBe(`hashes/${name}`);
  }
});
