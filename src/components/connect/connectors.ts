import { addressesIn, type Bootstrap } from '../../core/bootstrap.ts';
import { lake, replication } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { replication as replicationOf } from '../kafka/component.ts';
import { verifiedClient } from '../kafka/verified.ts';
import { verification } from '../postgres/component.ts';
import { authorityFile } from './authority.ts';
import { archives } from './component.ts';
import { debeziumConfig } from './debezium.ts';
import { lakeControlTopic, lakeSinkConfig } from './iceberg.ts';

export interface Connector {
  name: string;
  /** As Connect's REST API takes it; secrets are named, not held. */
  config: Readonly<Record<string, string>>;
}

/** What the connectors' configurations are made of. */
export interface ConnectorSurroundings {
  profile: Profile;
  /** The shop's database and the role that captures it. */
  shop: { host: string; port: number; user: string | null; authority?: string };
  /** The catalog's database and its role. */
  catalog: { host: string; port: number; user: string | null; authority?: string };
  brokers: Bootstrap;
  /** S3 address of the stack's own object store; null where the profile names an account. */
  objectstore: string | null;
  /** By file name in schemas/: objects that stand alone. */
  schemas: Readonly<Record<string, object>>;
}

/** Every connector that the profile wants: Debezium's, the lake's sink where Connect writes the lake, the user's own. */
export function declaredConnectors(surroundings: ConnectorSurroundings): Connector[] {
  return plansOf(surroundings.profile).map(({ name, configIn }) => ({ name, config: configIn(surroundings) }));
}

/** Their names alone, for who only asks whether they run. */
export const connectorNames = (profile: Profile): string[] => plansOf(profile).map(({ name }) => name);

interface ConnectorPlan {
  name: string;
  configIn(surroundings: ConnectorSurroundings): Connector['config'];
}

function plansOf(profile: Profile): ConnectorPlan[] {
  return [
    { name: replication.connector, configIn: sourceIn },
    ...(archives(profile) ? [{ name: lake.connector, configIn: sinkIn }] : []),
    ...Object.entries(profile.connect.connectors).map(([name, config]) => ({ name, configIn: () => config })),
  ];
}

const sourceIn = ({ profile, shop }: ConnectorSurroundings) =>
  debeziumConfig({
    host: shop.host,
    port: shop.port,
    user: shop.user ?? 'debezium',
    database: 'shop',
    verified: shop.authority !== undefined,
    replicationFactor: replicationOf(profile).factor,
  });

const sinkIn = ({ profile, catalog, brokers, objectstore, schemas }: ConnectorSurroundings) =>
  lakeSinkConfig({
    catalogUrl: `jdbc:postgresql://${catalog.host}:${catalog.port}/lake${
      catalog.authority === undefined ? '' : `?${verification(authorityFile)}`
    }`,
    catalogUser: catalog.user ?? 'lake',
    bootstrapServers: addressesIn(brokers).join(','),
    clients: 'servers' in brokers ? verifiedClient(authorityFile) : {},
    endpoint: objectstore,
    settings: profile.lake,
    schemas,
  });

/** The sink's own topic, which it does not make itself. */
export function controlTopic(profile: Profile) {
  const { factor, minInSync } = replicationOf(profile);
  const config = { ...lakeControlTopic.config, 'min.insync.replicas': String(minInSync) };
  return { ...lakeControlTopic, replicas: factor, config };
}
