import { exists, inodeOf, openRead, type ReadFile } from '../../system/files.ts';
import type { LogLine, LogQuery } from '../contract.ts';

export interface LogSource {
  /** Instance. */
  name: string;
  /** Of the present file; older ones end in .1, .2, … */
  path: string;
}

const chunkBytes = 64 * 1024;
/** More than the longest line there is. */
const tailBytes = 1024 * 1024;

/** One line as the supervisor writes it: time, stream (O, E, S), text. */
export function parseLine(component: string, line: string): LogLine | null {
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ([OES]) ?(.*)$/s.exec(line);
  if (match === null) return null;
  const [, time = '', stream, text = ''] = match;
  return {
    time: Date.parse(time),
    component,
    stream: stream === 'O' ? 'stdout' : 'stderr',
    text: stream === 'S' ? `[lambdactl] ${text}` : text,
  };
}

/** Whether the query asks for this line. */
export function matches({ time, text }: LogLine, { since, grep }: LogQuery): boolean {
  // A global pattern would go on from its last match.
  if (grep !== undefined) grep.lastIndex = 0;
  return (since === undefined || time >= since) && (grep === undefined || grep.test(text));
}

/**
 * The newest `count` lines that match, oldest first, read backwards through the rotated files no further than needed.
 * @param until lines after the place where this tail begins are left to it
 */
export async function newestLines(
  source: LogSource,
  query: LogQuery,
  count: number,
  until: LogTail | undefined,
): Promise<LogLine[]> {
  const found: LogLine[] = [];
  if (count <= 0) return found;
  for (let index = 0; index === 0 || exists(`${source.path}.${index}`); index += 1) {
    const file = await openRead(index === 0 ? source.path : `${source.path}.${index}`);
    if (file === null) continue;
    try {
      for await (const text of backwards(file, until?.startOf(file.inode))) {
        const line = parseLine(source.name, text);
        if (line === null) continue;
        if (query.since !== undefined && line.time < query.since) return found.reverse();
        if (matches(line, query)) found.push(line);
        if (found.length >= count) return found.reverse();
      }
    } finally {
      await file.close();
    }
  }
  return found.reverse();
}

/** Lines of a file, the last one first. */
async function* backwards(file: ReadFile, end?: number): AsyncGenerator<string> {
  let position = end ?? (await file.size());
  // Bytes before the first line break seen so far; a character may be cut between two chunks.
  let rest: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const length = Math.min(chunkBytes, position);
    position -= length;
    const chunk: Buffer = Buffer.concat([await file.read(position, length), rest]);
    const firstBreak = position === 0 ? -1 : chunk.indexOf(10);
    if (position > 0 && firstBreak === -1) {
      rest = chunk;
      continue;
    }
    rest = chunk.subarray(0, firstBreak + 1);
    const lines = chunk.toString('utf8', firstBreak + 1).split('\n');
    for (const line of lines.reverse()) if (line !== '') yield line;
  }
}

/** Follows one log across rotations. */
export class LogTail {
  private readonly source: LogSource;
  private file: ReadFile | null;
  private offset: number;
  private readonly begin: { inode: number; offset: number } | null;

  private constructor(source: LogSource, file: ReadFile | null, offset: number) {
    this.source = source;
    this.file = file;
    this.offset = offset;
    this.begin = file === null ? null : { inode: file.inode, offset };
  }

  /** @param offset where to begin; the end of the file when absent */
  static async open(source: LogSource, offset?: number): Promise<LogTail> {
    const file = await openRead(source.path);
    return new LogTail(source, file, offset ?? (await file?.size()) ?? 0);
  }

  /** Where this tail begins in the file of that inode, if it begins there. */
  startOf(inode: number): number | undefined {
    return this.begin?.inode === inode ? this.begin.offset : undefined;
  }

  /** What was added since the last call. */
  async read(): Promise<LogLine[]> {
    const lines = await this.toEnd();
    // Asked after reading: what was written to the old file before it was renamed has been read then.
    const present = await inodeOf(this.source.path);
    if (present === null || present === this.file?.inode) return lines;
    lines.push(...(await this.toEnd()));
    await this.file?.close();
    this.file = await openRead(this.source.path);
    this.offset = 0;
    return [...lines, ...(await this.toEnd())];
  }

  private async toEnd(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    while (this.file !== null) {
      const added = (await this.file.size()) - this.offset;
      if (added <= 0) break;
      const chunk = await this.file.read(this.offset, Math.min(added, tailBytes));
      // Only whole lines are taken: a character is never cut.
      const whole = chunk.lastIndexOf(10) + 1;
      if (whole === 0) break;
      this.offset += whole;
      for (const text of chunk.toString('utf8', 0, whole).split('\n')) {
        const line = parseLine(this.source.name, text);
        if (line !== null) lines.push(line);
      }
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }
}
