import { describe, expect, it } from 'vitest';
import { clusterOptions, plainly, shippedProfile } from '../../../test/support/cluster.ts';
import type { Profile } from '../../platform/profile.ts';
import { type RenderedCluster, renderCluster } from '../../runtimes/kubernetes/render.ts';

// Shapes of our own making are looked into.
// biome-ignore lint/suspicious/noExplicitAny: a test of objects that have no types of their own
type Loose = any;

const full = await shippedProfile('full');
const without: Profile = { ...full, tls: { use: 'none' } };
const rendered = async (profile: Profile) =>
  renderCluster(await clusterOptions(profile, { nodePorts: true, outside: { host: '127.0.0.1', ports: brokers } }));
const brokers = { 'kafka.broker': 19_092, 'kafka-2.broker': 19_102, 'kafka-3.broker': 19_112 };
const objectsOf = ({ components }: RenderedCluster): Loose[] =>
  [...components.values()].flatMap((each) => each.objects);
const find = (cluster: RenderedCluster, kind: string, name: string): Loose =>
  objectsOf(cluster).find((each) => each.kind === kind && each.metadata.name === name);
const decoded = ({ data }: Loose): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, String(Buffer.from(String(text), 'base64'))]));

describe('TLS under operators', async () => {
  const [cluster, plaintext] = [await rendered(full), await rendered(without)];

  it('has certificate, key and authority in Secrets that the custom resources name', () => {
    for (const name of ['postgres-tls', 'kafka-tls']) {
      expect(find(cluster, 'Secret', name).type).toBe('kubernetes.io/tls');
      expect(Object.keys(decoded(find(cluster, 'Secret', name)))).toEqual(['tls.crt', 'tls.key', 'ca.crt']);
    }
    expect(find(cluster, 'Cluster', 'postgres').spec).toMatchObject({
      certificates: { serverTLSSecret: 'postgres-tls', serverCASecret: 'postgres-tls' },
      postgresql: { pg_hba: ['hostnossl all all all reject'] },
    });
    const { parameters } = find(cluster, 'Cluster', 'postgres').spec.postgresql;
    expect(Object.keys(parameters).filter((key) => key.startsWith('ssl'))).toEqual([]);
  });

  it('has no listener of Kafka without it, and none that is not for our clients', () => {
    const { listeners, config } = find(cluster, 'Kafka', 'kafka').spec.kafka;
    const secret = { secretName: 'kafka-tls', certificate: 'tls.crt', key: 'tls.key' };
    expect(listeners).toMatchObject([
      { port: 19_092, tls: true, configuration: { brokerCertChainAndKey: secret } },
      { port: 29_092, tls: true, configuration: { brokerCertChainAndKey: secret } },
    ]);
    expect(Object.keys(config).filter((key) => key.startsWith('ssl'))).toEqual([]);
  });

  it('gives every client the certificate to verify by, where its settings say', () => {
    const { tls, config, template } = find(cluster, 'KafkaConnect', 'connect').spec;
    expect(tls).toEqual({ trustedCertificates: [{ secretName: 'connect-authority', certificate: 'ca.crt' }] });
    expect(Object.keys(config).filter((key) => /security\.|ssl\./.test(key))).toEqual([]);
    expect(template.connectContainer.volumeMounts).toEqual([
      { name: 'authority', mountPath: '/mnt/authority', readOnly: true },
    ]);
    expect(template.pod.volumes).toEqual([{ name: 'authority', secret: { secretName: 'connect-authority' } }]);
    expect(decoded(find(cluster, 'Secret', 'connect-environment')).LAMBDACTL_AUTHORITY_FILE).toBe(
      '/mnt/authority/ca.crt',
    );
    expect(find(cluster, 'KafkaConnector', 'postgres-cdc').spec.config['database.sslmode']).toBe('verify-full');
    expect(find(cluster, 'KafkaConnector', 'lake-sink').spec.config).toMatchObject({
      'iceberg.kafka.security.protocol': 'SSL',
      'iceberg.catalog.uri': expect.stringContaining('?sslmode=verify-full&sslrootcert='),
    });
    const settings = JSON.parse(decoded(find(cluster, 'Secret', 'spark-settings'))['speed-job.json'] ?? '');
    expect(settings.kafka.properties['security.protocol']).toBe('SSL');
    expect(Object.keys(decoded(find(cluster, 'Secret', 'spark-settings')))).toContain('ca.crt');
    const values: Loose = cluster.components.get('airflow')?.releases[0]?.values;
    const { connection } = decoded(find(cluster, 'Secret', 'airflow-metadata'));
    expect(connection).toContain(`sslrootcert=${values.volumeMounts[0].mountPath}/ca.crt`);
    expect(values.volumes).toEqual([{ name: 'authority', secret: { secretName: 'airflow-authority' } }]);
  });

  it('leaves no trace where the profile does not want it', () => {
    expect(JSON.stringify([...plaintext.components])).not.toMatch(/sslmode=|authority|-tls"|ca\.crt/);
  });
});

it('keeps keys out of everything but Secrets, and the authority’s key out of pods that run lambdactl', async () => {
  const options = await clusterOptions(plainly(full));
  const pem = (id: string) => `KEY-${id}\n-----BEGIN CERTIFICATE-----\nCERT-${id}\n`;
  const credentials = Object.fromEntries(
    Object.entries(options.credentials).map(([id, each]) =>
      id.startsWith('tls.') ? [id, { ...each, secret: pem(id) }] : [id, each],
    ),
  );
  const cluster = renderCluster({ ...options, credentials });
  const open = objectsOf(cluster).filter(({ kind }) => kind !== 'Secret');
  expect(JSON.stringify(open)).not.toMatch(/KEY-tls|CERT-tls/);
  const scheduler = decoded(find(cluster, 'Secret', 'airflow-scheduler-conf'));
  expect(scheduler['secrets.json']).toContain('CERT-tls.authority');
  expect(JSON.stringify(scheduler)).not.toMatch(/KEY-tls|CERT-tls.(postgres|kafka)/);
  for (const [name, file] of [
    ['postgres-conf', 'tls.key'],
    ['kafka-2-conf', 'keystore.pem'],
  ] as const) {
    expect(decoded(find(cluster, 'Secret', name))[file]).toContain('KEY-tls');
  }
});
