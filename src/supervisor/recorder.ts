import { messageOf } from '../core/errors.ts';
import type { RecordStore, SupervisorRecord } from './options.ts';

/** Saves the newest record soon after each change, one write at a time; a full disk is tried again. */
export class Recorder {
  private readonly store: RecordStore;
  private readonly current: () => SupervisorRecord;
  private readonly complain: (text: string) => void;
  private timer: NodeJS.Timeout | null = null;
  private due = 0;
  private stopped = false;
  private writing: Promise<void> = Promise.resolve();
  private failing = false;

  constructor(store: RecordStore, current: () => SupervisorRecord, complain: (text: string) => void) {
    this.store = store;
    this.current = current;
    this.complain = complain;
  }

  /** Within `ms`; changes until then share one write. */
  soon(ms = 15): void {
    const due = performance.now() + ms;
    if (this.stopped || (this.timer !== null && this.due <= due)) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.now().catch((error: unknown) => {
        if (!this.failing) this.complain(`cannot record the state: ${messageOf(error)}`);
        this.failing = true;
        this.soon(2_000);
      });
    }, ms);
  }

  /** @throws what the store throws */
  async now(): Promise<void> {
    const write = this.writing.then(() => this.store.save(this.current()));
    this.writing = write.catch(() => {});
    await write;
    this.failing = false;
  }

  /** Only `now` writes from here on. */
  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
