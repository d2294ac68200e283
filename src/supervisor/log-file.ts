import type { Readable } from 'node:stream';
import { type AppendFile, exists, openAppend, rename } from '../system/files.ts';

/** O: stdout, E: stderr, S: the supervisor about the service. */
export type LogStream = 'O' | 'E' | 'S';

export interface LogLimit {
  bytes: number;
  files: number;
}

/** A write costs more than a line; readers who follow look five times a second. */
const flushMs = 250;
/** Above this much unwritten text the service's output is not read on: it waits, as it would on a slow terminal. */
const highWater = 1024 * 1024;
const longestLine = 64 * 1024;
const rememberedLines = 30;

/**
 * One service's log: lines "<ISO time> <stream> <text>", rotated by size to .1, .2, … A disk that is full loses lines (the
 * number is told once there is room again) and stops nobody.
 */
export class LogFile {
  private readonly path: string;
  private readonly limit: LogLimit;
  private file: AppendFile | null = null;
  private written = 0;
  private pending: string[] = [];
  private pendingSize = 0;
  private dropped = 0;
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> = Promise.resolve();
  private readonly paused = new Set<Readable>();
  private recent: string[] = [];

  constructor(path: string, limit: LogLimit) {
    this.path = path;
    this.limit = limit;
  }

  /** The last lines the service itself wrote, oldest first. */
  lastLines(count: number): readonly string[] {
    return this.recent.slice(-count);
  }

  /** Forgets what an earlier process said, which explains nothing about the next one. */
  beginRun(): void {
    this.recent = [];
  }

  /** Lines of a child's output stream from now to its end. */
  follow(stream: Readable, label: 'O' | 'E'): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n').flatMap(cut);
      rest = lines.pop() ?? '';
      this.write(label, lines);
      if (this.pendingSize > highWater) {
        stream.pause();
        this.paused.add(stream);
      }
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      if (rest !== '') this.write(label, [rest]);
      this.paused.delete(stream);
    });
  }

  /** A line by the supervisor about the service. */
  note(text: string): void {
    this.write('S', text.split('\n'));
  }

  private write(label: LogStream, lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (label !== 'S') this.recent = [...this.recent, ...lines.slice(-rememberedLines)].slice(-rememberedLines);
    const prefix = `${new Date().toISOString()} ${label} `;
    const text = lines.map((line) => `${prefix}${line.endsWith('\r') ? line.slice(0, -1) : line}\n`).join('');
    this.pending.push(text);
    this.pendingSize += text.length;
    if (this.pendingSize > longestLine) this.flushSoon(0);
    else this.flushSoon(flushMs);
  }

  private flushSoon(afterMs: number): void {
    if (this.timer !== null && afterMs > 0) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.flush().catch(() => {});
    }, afterMs);
  }

  /** Everything written so far is in the file, or counted as dropped. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.writeOut());
    return this.flushing;
  }

  async close(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.flush();
    await this.file?.close();
    this.file = null;
  }

  private async writeOut(): Promise<void> {
    const text = this.pending.join('');
    this.pending = [];
    this.pendingSize = 0;
    if (text !== '') {
      try {
        await this.append(text);
        this.dropped = 0;
      } catch {
        this.dropped += text.split('\n').length - 1;
        await this.file?.close().catch(() => {});
        this.file = null;
      }
    }
    for (const stream of this.paused) stream.resume();
    this.paused.clear();
  }

  private async append(text: string): Promise<void> {
    if (this.file !== null && this.written > this.limit.bytes) await this.rotate();
    if (this.file === null) {
      this.file = await openAppend(this.path);
      this.written = this.file.size;
    }
    const lost = this.dropped;
    const whole =
      lost === 0 ? text : `${new Date().toISOString()} S lost ${lost} lines: the log could not be written\n${text}`;
    await this.file.write(whole);
    this.written += Buffer.byteLength(whole);
  }

  private async rotate(): Promise<void> {
    await this.file?.close();
    this.file = null;
    for (let index = this.limit.files - 1; index >= 1; index -= 1) {
      const from = index === 1 ? this.path : `${this.path}.${index - 1}`;
      if (exists(from)) await rename(from, `${this.path}.${index}`);
    }
  }
}

/** Pieces of at most the longest line; the line itself nearly always. */
function cut(line: string): string[] {
  if (line.length <= longestLine) return [line];
  const count = Math.ceil(line.length / longestLine);
  return Array.from({ length: count }, (_, index) => line.slice(index * longestLine, (index + 1) * longestLine));
}
