import { externalError } from '../../core/errors.ts';
import { openStaging } from '../../system/staging.ts';
import { type KindWork, ownNodes, runKind } from './kind.ts';
import { engine, engineOutput, type KindNode } from './kind-nodes.ts';
import { lastLinesOf, messageLine } from './program-output.ts';

/** Of the references, those that every node of the cluster has. */
export async function imagesInCluster(work: KindWork, references: readonly string[]): Promise<ReadonlySet<string>> {
  const nodes = (await ownNodes(work)).filter(({ role, running }) => role !== 'other' && running);
  const present = await Promise.all(references.map((reference) => onAll(work, nodes, reference)));
  return new Set(references.filter((_, index) => present[index]));
}

async function onAll(work: KindWork, nodes: readonly KindNode[], reference: string): Promise<boolean> {
  for (const { name } of nodes) {
    const asked = ['exec', name, 'crictl', 'inspecti', reference];
    const { failure } = await engine(work.engine, asked, work.context.signal, 20_000);
    if (failure !== undefined) return false;
  }
  return nodes.length > 0;
}

/** Copies images of the engine onto every node. @throws LambdaError IMAGE_LOAD_FAILED, CLUSTER_MISSING, KIND_NAME_TAKEN */
export async function loadIntoKind(work: KindWork, references: readonly string[]): Promise<void> {
  await ownNodes(work);
  const { name } = work.place;
  if (work.engine.kind === 'docker') {
    told(await runKind(work, ['load', 'docker-image', ...references, '--name', name]), references);
    return;
  }
  // kind asks docker for images whatever the engine is; an archive does for the others.
  for (const reference of references) {
    const staging = await openStaging('lambdactl-image-');
    const archive = `${staging.directory}/image.tar`;
    try {
      await engineOutput(work.engine, ['save', '--output', archive, reference], work.context.signal);
      told(await runKind(work, ['load', 'image-archive', archive, '--name', name]), [reference]);
    } finally {
      await staging.remove();
    }
  }
}

function told(
  { failure, stderr }: { failure: string | undefined; stderr: string },
  references: readonly string[],
): void {
  if (failure === undefined) return;
  throw externalError(`kind could not load ${references.join(', ')}: ${messageLine(stderr) ?? failure}`, {
    code: 'IMAGE_LOAD_FAILED',
    actions: [
      'Look whether the node has disk left: docker exec <node> df -h /',
      'Run the same command again; what is loaded is not loaded again.',
    ],
    details: { output: lastLinesOf(stderr) },
  });
}
