import type { BadKind } from './bad-data.ts';
import { wordAt } from './entities.ts';
import type { Random } from './random.ts';
import { isoOf } from './users.ts';
import { unknownEventTypes } from './vocabulary.ts';

const minute = 60_000;
const day = 1440 * minute;

/** Fields without which an event is no event. */
const droppable = ['event_id', 'user_id', 'session_id', 'event_type', 'timestamp', 'properties'] as const;

/** A field and a value of a type it must not have; nothing here can be cast to the right type. */
const mistyped: readonly (readonly [string, unknown])[] = [
  ['properties', 'none'],
  ['timestamp', 'yesterday'],
  ['session_id', 12345],
  ['ip_address', { v4: '10.0.0.1' }],
  ['user_id', 'not-a-uuid'],
  ['event_type', 7],
];

/** Spoils a valid record in the way asked for. Times are relative to the record's own time, ms since 1970. */
export function corrupted(kind: BadKind, record: Buffer, random: Random, timestampMs: number): Buffer {
  const text = record.toString('utf8');
  if (kind === 'malformed_json') return Buffer.from(malformed(text, random));
  const fields = JSON.parse(text) as Record<string, unknown>; // our own JSON object
  switch (kind) {
    case 'missing_field':
      delete fields[wordAt(droppable, random.below(droppable.length))];
      break;
    case 'wrong_type': {
      const [field, value] = wordAt(mistyped, random.below(mistyped.length));
      fields[field] = value;
      break;
    }
    case 'unknown_type':
      fields.event_type = wordAt(unknownEventTypes, random.below(unknownEventTypes.length));
      break;
    case 'future_timestamp':
      // Beyond the five minutes that clocks are allowed to be ahead.
      fields.timestamp = isoOf(timestampMs + 10 * minute + random.unit() * 2 * day);
      break;
    case 'late_timestamp':
      // Older than the seven days that are still accepted.
      fields.timestamp = isoOf(timestampMs - 8 * day - random.unit() * 30 * day);
      break;
  }
  return Buffer.from(JSON.stringify(fields));
}

/** Cut off, a quote lost, or a brace mistaken; never shorter than half, so that it still looks like a record. */
function malformed(text: string, random: Random): string {
  const half = Math.floor(text.length / 2);
  switch (random.below(3)) {
    case 0:
      return text.slice(0, half + random.below(half - 1));
    case 1:
      return text.replace('"session_id":', '"session_id:');
    default:
      return `${text.slice(0, -1)}]`;
  }
}
