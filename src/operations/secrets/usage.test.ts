import { describe, expect, it } from 'vitest';
import { catalogue } from '../../components/catalogue.ts';
import { loadProfile } from '../profiles.ts';
import { planRotation } from './rotation.ts';
import { credentialUses, declaredCredentials } from './usage.ts';

const profile = await loadProfile('lite');
const uses = credentialUses(profile);

describe('uses of credentials', () => {
  it('are seen in what components and jobs ask for', () => {
    expect(uses.get('postgres.debezium')).toEqual({ components: ['connect'], jobs: [] });
    expect(uses.get('clickhouse.speed')?.components).toEqual(['clickhouse', 'spark']);
    expect(uses.get('objectstore.key')?.components).toEqual(
      expect.arrayContaining(['connect', 'objectstore', 'warehouse']),
    );
    expect(uses.get('warehouse.dbt')).toEqual({ components: ['warehouse'], jobs: ['dbt'] });
    expect(uses.get('account.s3')).toBeUndefined();
  });

  it('name nothing that no component declares', () => {
    const declared = declaredCredentials(catalogue).map(({ id }) => id);
    expect([...uses.keys()].filter((id) => !declared.includes(id))).toEqual([]);
  });

  it('follow the profile: an account stands in for what is embedded', () => {
    const storage = { kind: 's3' as const, bucket: 'lake', region: 'eu-central-1', prefix: '' };
    const account = credentialUses({ ...profile, lake: { ...profile.lake, storage } });
    expect(account.get('account.s3')?.components ?? []).toEqual(profile.lake.archive === 'connect' ? ['connect'] : []);
  });
});

describe('a rotation', () => {
  it('restarts what holds the credential, and nothing for what the CLI alone uses', () => {
    const { rotations, refused } = planRotation(['postgres.shop', 'clickhouse'], profile, catalogue);
    expect(rotations.map(({ id, restarts }) => [id, restarts])).toEqual([
      ['postgres.shop', []],
      ['clickhouse.admin', ['clickhouse']],
      ['clickhouse.speed', ['clickhouse', 'spark']],
      ['clickhouse.dashboard', ['clickhouse']],
    ]);
    expect(refused).toEqual([]);
  });

  it('restarts what is given everything as well', () => {
    const { rotations } = planRotation(['postgres.shop'], profile, catalogue, ['airflow']);
    expect(rotations.map(({ restarts }) => restarts)).toEqual([['airflow']]);
  });

  it('leaves out, with the reason, what cannot be rotated; asked for by its name it is an error', () => {
    const { rotations, refused } = planRotation([], profile, catalogue);
    expect(refused.map(({ id }) => id)).toEqual(['kafka.cluster', 'airflow.fernet']);
    expect(rotations.length + refused.length).toBe(declaredCredentials(catalogue).length);
    expect(() => planRotation(['kafka.cluster'], profile, catalogue)).toThrow(/identity in Kafka's storage/);
    expect(() => planRotation(['s3'], profile, catalogue)).toThrow(/make a new key there/);
    expect(() => planRotation(['nonsense'], profile, catalogue)).toThrow(/no credential "nonsense"/);
  });
});
