import type { OperationContext } from '../core/events.ts';
import { artifactStore, type StackRef } from './stack.ts';

export async function listArtifacts(ref: StackRef) {
  return { artifacts: await artifactStore(ref).list() };
}

export async function verifyArtifacts(ref: StackRef, context: OperationContext) {
  const artifacts = await artifactStore(ref).verify(context);
  return { ok: artifacts.every(({ ok }) => ok), artifacts };
}

export async function pruneArtifacts(ref: StackRef, context: OperationContext) {
  return artifactStore(ref).prune(context);
}
