import type { DeadLetterReport } from '../../core/dlq-report.ts';
import type { StoredRecord } from '../../probes/kafka-records.ts';
import type { Position } from './ranges.ts';

/** A dead letter, its headers read (docs/dlq.md). */
export interface DeadLetter {
  record: StoredRecord;
  /**
   * Where the refused record lies; null when the headers do not say. It is the letter's identity: a repeated
   * micro-batch writes the same letter again.
   */
  source: Position | null;
  errorClass: string;
  errorText: string;
  time: string;
  attempt: number;
  first: DeadLetterReport['first'];
  /** What the producer of the record gave it. */
  headers: ReadonlyMap<string, Buffer>;
}

/** Headers of ours begin so; docs/dlq.md lists them. */
const prefix = 'dlq.';

export function deadLetter(record: StoredRecord): DeadLetter {
  const text = new Map(record.headers.map(([name, value]) => [name, value === null ? '' : value.toString('utf8')]));
  const source = {
    topic: text.get('dlq.source.topic') ?? '',
    partition: wholeNumber(text.get('dlq.source.partition')) ?? -1,
    offset: wholeNumber(text.get('dlq.source.offset')) ?? -1,
  };
  const firstClass = text.get('dlq.first.class');
  return {
    record,
    source: source.topic !== '' && source.partition >= 0 && source.offset >= 0 ? source : null,
    errorClass: text.get('dlq.error.class') ?? 'unknown',
    errorText: text.get('dlq.error.text') ?? '',
    time: text.get('dlq.time') ?? new Date(record.timestampMs).toISOString(),
    attempt: Math.max(1, wholeNumber(text.get('dlq.attempt')) ?? 1),
    first:
      firstClass === undefined
        ? null
        : {
            errorClass: firstClass,
            errorText: text.get('dlq.first.text') ?? '',
            time: text.get('dlq.first.time') ?? '',
          },
    headers: new Map(
      record.headers.flatMap(([name, value]) =>
        name.startsWith(prefix) ? [] : [[name, value ?? Buffer.alloc(0)] as const],
      ),
    ),
  };
}

/** Headers of the record that a replay puts back: its producer's, the attempts so far, the first cause and whose replay it is. */
export function replayHeaders(letter: DeadLetter, run: string): Map<string, Buffer> {
  const { errorClass, errorText, time } = letter.first ?? letter;
  const ours = {
    'dlq.attempt': String(letter.attempt),
    'dlq.first.class': errorClass,
    'dlq.first.text': errorText,
    'dlq.first.time': time,
    'dlq.origin': originOf(letter),
    'dlq.replay': run,
  };
  const bytes = Object.entries(ours).map(([name, value]): [string, Buffer] => [name, Buffer.from(value)]);
  return new Map([...letter.headers, ...bytes]);
}

/** Text that names a dead letter on its source topic: "topic/partition/offset" of the record that was refused. */
function originOf({ source }: DeadLetter): string {
  return source === null ? '' : `${source.topic}/${source.partition}/${source.offset}`;
}

/** The position that `dlq.origin` of a replayed record names; null on any other record. */
export function originOfReplayed({ headers }: StoredRecord): Position | null {
  const value = headers.find(([name]) => name === 'dlq.origin')?.[1]?.toString('utf8') ?? '';
  const [, topic, partition, offset] = /^(.+)\/(\d+)\/(\d+)$/.exec(value) ?? [];
  return topic === undefined ? null : { topic, partition: Number(partition), offset: Number(offset) };
}

/** A letter as it is shown. @param limit characters of the value */
export function letterReport(letter: DeadLetter, replayed: boolean, limit: number): DeadLetterReport {
  const { record, source } = letter;
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    time: letter.time,
    source: {
      topic: source?.topic ?? record.topic.replace(/\.dlq$/, ''),
      partition: source?.partition ?? null,
      offset: source?.offset ?? null,
    },
    errorClass: letter.errorClass,
    errorText: letter.errorText,
    attempt: letter.attempt,
    first: letter.first,
    replayed,
    key: record.key === null ? null : readable(record.key, limit).text,
    value:
      record.value === null ? { bytes: 0, kind: 'none', text: '', truncated: false } : readable(record.value, limit),
    headers: Object.fromEntries([...letter.headers].map(([name, value]) => [name, readable(value, limit).text])),
  };
}

function readable(bytes: Buffer, limit: number): DeadLetterReport['value'] {
  const text = textOf(bytes);
  const shown = (whole: string) => ({
    text: whole.slice(0, limit),
    truncated: whole.length > limit,
    bytes: bytes.length,
  });
  if (text === null)
    return { kind: 'binary', ...shown(bytes.subarray(0, limit).toString('hex')), truncated: bytes.length * 2 > limit };
  try {
    JSON.parse(text);
    return { kind: 'json', ...shown(text) };
  } catch {
    return { kind: 'text', ...shown(text) };
  }
}

/** null for bytes that are no UTF-8 text, or that would move a terminal's cursor. */
function textOf(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
