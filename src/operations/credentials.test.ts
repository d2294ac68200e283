import { expect, it } from 'vitest';
import { catalogue } from '../components/catalogue.ts';
import { certificateNeeds } from './credentials.ts';
import { loadProfile } from './profiles.ts';

const full = await loadProfile('full');
const lite = await loadProfile('lite');
const namesIn = async (profile: typeof full, runtime: 'embedded' | 'kubernetes') =>
  new Map((await certificateNeeds({ profile, components: catalogue, runtime })).map(({ id, names }) => [id, names]));

it('names every server as its clients reach it', async () => {
  const embedded = await namesIn(full, 'embedded');
  expect([...embedded.keys()]).toEqual(['tls.postgres', 'tls.kafka', 'tls.kafka-2', 'tls.kafka-3']);
  expect(embedded.get('tls.kafka-2')).toEqual(['kafka-2', 'localhost', '127.0.0.1']);

  const plain = await namesIn(lite, 'kubernetes');
  expect(plain.get('tls.postgres')).toEqual([
    ...['postgres', 'postgres.data', 'postgres.data.svc', 'postgres.data.svc.cluster.local'],
    ...['localhost', '127.0.0.1'],
  ]);

  const operated = await namesIn(full, 'kubernetes');
  expect(operated.get('tls.postgres')).toEqual(expect.arrayContaining(['postgres.data.svc', 'postgres-rw.data.svc']));
  // One certificate for all brokers: Strimzi takes one a listener.
  expect(operated.get('tls.kafka')).toEqual(
    expect.arrayContaining(['kafka.data.svc', 'kafka-3.data.svc', '*.kafka-kafka-brokers.data.svc', '127.0.0.1']),
  );
});
