import type { ServiceStatus } from '../core/service-spec.ts';
import type { ServiceOrder } from './options.ts';
import type { WaitOutcome } from './supervisor.ts';

/** Raised when a change would be misunderstood by the other side. hello, stop and shutdown keep their shape for ever. */
export const protocolVersion = 1;

/** What a client may ask; one JSON object a line, answered by `Reply`s with the same id. */
export interface Operations {
  hello: { params: object; result: { protocol: number; version: string; pid: number } };
  ensure: { params: { order: ServiceOrder }; result: { action: 'started' | 'restarted' | 'kept' } };
  /** Sends the status of the named services at first and at every change, until the result. */
  waitHealthy: { params: { names: readonly string[]; maxCrashes: number }; result: WaitOutcome };
  stop: { params: { names: readonly string[] }; result: null };
  restart: { params: { name: string }; result: null };
  status: { params: object; result: { services: readonly ServiceStatus[]; supervisorPssBytes: number } };
  /** Sends a status at every change of any service; never has a result. */
  subscribe: { params: object; result: never };
  /** Answered when nothing runs any more, just before the supervisor ends. */
  shutdown: { params: object; result: null };
}
export type OperationName = keyof Operations;

export type Request<K extends OperationName = OperationName> = { id: number; op: K } & Operations[K]['params'];

export type Reply =
  | { id: number; type: 'result'; result: unknown }
  | { id: number; type: 'status'; status: ServiceStatus }
  | { id: number; type: 'error'; code: string; message: string };
