import type { OperationEvent } from '../core/events.ts';

/** Shows an operation's events: live terminal, plain lines or nothing (JSON). */
export interface EventSink {
  event(event: OperationEvent): void;
  /** Everything is shown and the terminal is as it was. Called once, after success and failure alike. */
  close(): Promise<void>;
}

export const silentSink: EventSink = { event: () => {}, close: async () => {} };
