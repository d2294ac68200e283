import type { ServiceStatus } from '../core/service-spec.ts';
import { writeAtomic } from '../system/files.ts';
import type { ProcessIdentity } from '../system/process.ts';
import { isRecord, readJson, toJson, versioned } from './json-file.ts';
import type { StackPaths } from './paths.ts';

/** What runs, as the supervisor last wrote it; true only as far as pid and start time of a process still match. */
export interface ObservedState {
  supervisor: (ProcessIdentity & { socket: string; startedAt: string; version: string }) | null;
  guard: ProcessIdentity | null;
  /** In the environment of everything the supervisor started. */
  marker: string;
  services: readonly { status: ServiceStatus; processes: readonly ProcessIdentity[] }[];
}

/** null when nothing ever ran. @throws LambdaError STATE_CORRUPT */
export function readObserved(paths: Pick<StackPaths, 'observedFile'>): Promise<ObservedState | null> {
  return readJson(paths.observedFile, parse, [
    `Delete ${paths.observedFile} after making sure that no process of this stack runs (ps); it is written anew.`,
  ]);
}

/** @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE */
export async function writeObserved(paths: Pick<StackPaths, 'observedFile'>, state: ObservedState): Promise<void> {
  await writeAtomic(paths.observedFile, toJson({ version: 1, ...state }), { mode: 0o600 });
}

function parse(raw: unknown): ObservedState {
  const { supervisor, guard, marker, services } = versioned(raw);
  if (typeof marker !== 'string' || !Array.isArray(services)) throw new Error('marker or services are missing');
  if (supervisor !== null && !(isIdentity(supervisor) && typeof supervisor.socket === 'string')) {
    throw new Error('supervisor is not as it should be');
  }
  if (guard !== null && !isIdentity(guard)) throw new Error('guard is not as it should be');
  for (const service of services) {
    const { processes, status } = isRecord(service) ? service : {};
    if (!Array.isArray(processes) || !processes.every(isIdentity) || !isRecord(status)) {
      throw new Error('a service is not as it should be');
    }
  }
  // What decides over life and death of processes was checked; the rest was written by writeObserved of this version.
  return { supervisor, guard, marker, services } as unknown as ObservedState;
}

function isIdentity(value: unknown): value is ProcessIdentity & Record<string, unknown> {
  return isRecord(value) && Number.isInteger(value.pid) && Number(value.pid) > 1 && typeof value.started === 'string';
}
