import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stackPaths } from '../../src/state/paths.ts';
import { readSecrets, stagedOf, stageSecrets } from '../../src/state/secrets.ts';
import { cliOf, homeOfTests } from './cli.ts';

// New passwords under running components: every test goes on from where the one before left it.
const stack = `rotate-${process.pid}`;
const { run, must } = cliOf(stack);
const paths = stackPaths(homeOfTests, stack);
const components = ['--only', 'connect', '--only', 'clickhouse'];
const superuser = 'postgres.superuser';

beforeAll(async () => {
  await must('up', '--profile', 'lite', ...components, '--any-port');
});
afterAll(async () => {
  await run('down', '--volumes', '--yes');
});

const secretOf = async (id: string): Promise<string> => (await readSecrets(paths))[id]?.secret ?? '';

/** null when PostgreSQL lets the user in, else its SQLSTATE. */
async function refusal(user: string, password: string, sql = 'select 1'): Promise<string | null> {
  const { connections } = await must('connections');
  const { url } = connections.find(({ protocol }: { protocol: string }) => protocol === 'admin');
  const { hostname, port } = new URL(url);
  const client = new pg.Client({ host: hostname, port: Number(port), user, password, database: 'postgres' });
  try {
    await client.connect();
    await client.query(sql);
    return null;
  } catch (error) {
    return error instanceof pg.DatabaseError ? (error.code ?? 'unknown') : String(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

it('says what would be replaced and restarted, and asks before it does anything', async () => {
  const before = await readSecrets(paths);
  const plan = await must('secrets', 'rotate', '--dry-run');
  expect(plan.rotated.map(({ id }: { id: string }) => id)).toEqual(
    expect.arrayContaining([superuser, 'postgres.debezium', 'clickhouse.speed']),
  );
  expect(plan.refused).toMatchObject([{ id: 'kafka.cluster' }]);
  expect(plan.restarted).toEqual(expect.arrayContaining(['postgres', 'connect', 'clickhouse', 'objectstore']));
  expect(plan.restarted).not.toContain('kafka');
  expect(await run('secrets', 'rotate')).toMatchObject({ exitCode: 3, error: { code: 'CONFIRMATION_NEEDED' } });
  expect(await readSecrets(paths)).toEqual(before);
});

it('replaces them all under running components: the old ones are refused, everything works with the new', async () => {
  const before = await readSecrets(paths);
  const report = await must('secrets', 'rotate', '--yes');
  for (const { id } of report.rotated) expect(await secretOf(id)).not.toBe(before[id]?.secret);
  expect(await secretOf('kafka.cluster')).toBe(before['kafka.cluster']?.secret);
  for (const user of ['postgres', 'shop', 'registry', 'lake']) {
    const id = user === 'postgres' ? superuser : `postgres.${user}`;
    expect(await refusal(user, before[id]?.secret ?? '')).toBe('28P01');
  }
  expect(await refusal('postgres', await secretOf(superuser))).toBeNull();
  // Exits with 0 where every component and connector works.
  await must('health');
  expect((await must('query', 'select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(JSON.stringify(report)).not.toContain(await secretOf(superuser));
});

it('is completed by the same command where it was cut off after PostgreSQL was told', async () => {
  const old = await secretOf(superuser);
  const staged = await stageSecrets(paths, [{ id: superuser, user: 'postgres', kind: 'password' }]);
  const next = stagedOf(staged, superuser)?.secret ?? '';
  expect(await refusal('postgres', old, `alter role postgres password '${next}'`)).toBeNull();
  expect((await run('secrets', 'check')).data.findings).toContainEqual(
    expect.objectContaining({ name: 'generated', ok: false, detail: expect.stringContaining(`rotate ${superuser}`) }),
  );
  await must('secrets', 'rotate', superuser, '--yes');
  expect(await secretOf(superuser)).toBe(next);
  expect(await refusal('postgres', next)).toBeNull();
  expect((await must('secrets', 'check')).ok).toBe(true);
});

it('waits for the next start where nothing runs; the superuser needs a running server', async () => {
  await must('down');
  const before = await readSecrets(paths);
  expect(await run('secrets', 'rotate', superuser, '--yes')).toMatchObject({ error: { code: 'NOT_UP' } });
  const report = await must('secrets', 'rotate', 'postgres', '--yes');
  expect(report).toMatchObject({ running: false, restarted: [], refused: [{ id: superuser }] });
  expect(await secretOf(superuser)).toBe(before[superuser]?.secret);
  await must('up', ...components);
  expect(await refusal('shop', before['postgres.shop']?.secret ?? '')).toBe('28P01');
  expect(await refusal('shop', await secretOf('postgres.shop'), 'select 1')).not.toBe('28P01');
});
