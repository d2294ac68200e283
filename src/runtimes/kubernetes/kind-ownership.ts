import { join } from 'node:path';
import { z } from 'zod';
import {
  hashText,
  makeDirectory,
  readTextIfPresent,
  removeTree,
  writeTextAtomically,
} from '../../system/store-files.ts';
import type { ContainerEngine, EngineName } from './engine.ts';
import { controlPlaneOf, type KindNode, nodeKubectl } from './kind-nodes.ts';
import { parsedJson } from './program-output.ts';

const recordSchema = z.object({
  /** creating: kind was started and has not ended well yet. */
  state: z.enum(['creating', 'ready']),
  engine: z.enum(['docker', 'podman', 'nerdctl']),
  /** Ids of the nodes' containers, once they are there. */
  nodes: z.array(z.string()),
  /** Ports of this machine that were asked for; of a cluster that is there, those that it maps. */
  ports: z.array(z.number()),
  createdAt: z.string(),
});

/** What this home knows of a cluster that it made. */
export type KindRecord = z.infer<typeof recordSchema>;

export const kindDirectory = (home: string): string => join(home, 'kind');
const recordFile = (home: string, name: string) => join(kindDirectory(home), `${name}.json`);

/** null where there is none, or none that can be read: the cluster's own label then has to tell. */
export async function readKindRecord(home: string, name: string): Promise<KindRecord | null> {
  const parsed = recordSchema.safeParse(parsedJson((await readTextIfPresent(recordFile(home, name))) ?? 'null'));
  return parsed.success ? parsed.data : null;
}

/**
 * Whether a port of this machine leads into the cluster by kind's own mapping, which is settled when the cluster is made. Of a cluster that
 * nothing is written down about it is taken for granted.
 */
export async function kindMappings(home: string, name: string): Promise<(port: number) => boolean> {
  const record = await readKindRecord(home, name);
  return (port) => record === null || record.ports.includes(port);
}

export async function writeKindRecord(home: string, name: string, record: KindRecord): Promise<void> {
  await makeDirectory(kindDirectory(home));
  await writeTextAtomically(recordFile(home, name), `${JSON.stringify(record, null, 2)}\n`);
}

export async function removeKindRecord(home: string, name: string): Promise<void> {
  await removeTree(recordFile(home, name));
}

const homeLabel = 'lambdactl.dev/home';

/** On every node of a cluster made here. A hash: a label can hold no path. */
export const ownershipLabels = (home: string, stack: string): Record<string, string> => ({
  [homeLabel]: homeId(home),
  'lambdactl.dev/cluster': stack,
});

const homeId = (home: string): string => hashText(home).slice(0, 12);

/** none: no node is there · half: a creation of ours that was interrupted · ours: made by this home · foreign: by somebody else. */
export type Ownership = 'none' | 'half' | 'ours' | 'foreign';

export interface OwnershipQuestion {
  home: string;
  nodes: readonly KindNode[];
  record: KindRecord | null;
  engine: ContainerEngine;
  signal: AbortSignal;
}

/**
 * Whose cluster it is. A name is no proof: the record's container ids are, or the label on the node. Of a creation that was interrupted
 * before either, the record says that it was begun, and the ports of the node that it is the one meant.
 */
export async function ownershipOf({ home, nodes, record, engine, signal }: OwnershipQuestion): Promise<Ownership> {
  if (nodes.length === 0) return 'none';
  const main = controlPlaneOf(nodes);
  if (record?.state === 'creating') {
    const asAsked = main === undefined || samePorts(main.hostPorts, record.ports);
    return asAsked ? 'half' : 'foreign';
  }
  if (record !== null && nodes.every(({ id }) => record.nodes.includes(id))) return 'ours';
  if (main === undefined || !main.running) return 'foreign';
  const path = `jsonpath={.metadata.labels.${homeLabel.replaceAll('.', '\\.')}}`;
  const { stdout } = await nodeKubectl(engine, main, ['get', 'node', main.name, '--output', path], signal);
  return stdout.trim() === homeId(home) ? 'ours' : 'foreign';
}

function samePorts(found: readonly number[], asked: readonly number[]): boolean {
  const sorted = asked.toSorted((a, b) => a - b);
  return found.length === sorted.length && found.every((port, index) => port === sorted[index]);
}

export const recordOf = (engine: EngineName, nodes: readonly KindNode[], ports: readonly number[]): KindRecord => ({
  state: nodes.length === 0 ? 'creating' : 'ready',
  engine,
  nodes: nodes.map(({ id }) => id),
  ports: [...ports],
  createdAt: new Date().toISOString(),
});
