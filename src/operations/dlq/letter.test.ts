import { expect, it } from 'vitest';
import type { StoredRecord } from '../../probes/kafka-records.ts';
import { deadLetter, letterReport, originOfReplayed, replayHeaders } from './letter.ts';
import { newest } from './list.ts';

const stored = (headers: Record<string, string>, value: Buffer | null = Buffer.from('{"a":1}')): StoredRecord => ({
  topic: 'user_events.dlq',
  partition: 1,
  offset: 7,
  timestampMs: Date.UTC(2026, 0, 1),
  key: Buffer.from('user'),
  value,
  headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
});
const ours = {
  'dlq.source.topic': 'user_events',
  'dlq.source.partition': '3',
  'dlq.source.offset': '42',
  'dlq.error.class': 'wrong_type',
  'dlq.error.text': 'quantity must be a number',
  'dlq.time': '2026-01-01T00:00:00Z',
  'dlq.attempt': '2',
};
const asText = (headers: ReadonlyMap<string, Buffer>) =>
  Object.fromEntries([...headers].map(([name, value]) => [name, String(value)]));

it('sends a letter back with its attempts, its first cause, its origin and what its producer gave it', () => {
  const letter = deadLetter(stored({ ...ours, trace: 'abc' }));
  const headers = asText(replayHeaders(letter, 'run'));
  expect(headers).toEqual({
    trace: 'abc',
    'dlq.attempt': '2',
    'dlq.first.class': 'wrong_type',
    'dlq.first.text': 'quantity must be a number',
    'dlq.first.time': '2026-01-01T00:00:00Z',
    'dlq.origin': 'user_events/3/42',
    'dlq.replay': 'run',
  });
  expect(originOfReplayed(stored(headers))).toEqual({ topic: 'user_events', partition: 3, offset: 42 });
  const again = deadLetter(stored({ ...ours, ...headers, 'dlq.error.class': 'missing_field' }));
  expect(asText(replayHeaders(again, 'next'))).toMatchObject({ 'dlq.first.class': 'wrong_type' });
});

it('says of a foreign record what it can', () => {
  const letter = deadLetter(stored({ 'dlq.source.partition': 'x' }));
  expect(letter).toMatchObject({ source: null, errorClass: 'unknown', attempt: 1, time: '2026-01-01T00:00:00.000Z' });
  expect(letterReport(letter, false, 100).source).toEqual({ topic: 'user_events', partition: null, offset: null });
});

it.each([
  [Buffer.from('{"a":1}'), { kind: 'json', text: '{"a":1}', truncated: false }],
  [Buffer.from('{"a":'), { kind: 'text', text: '{"a":', truncated: false }],
  [Buffer.from([0xff, 0x00, 0x01]), { kind: 'binary', text: 'ff0001', truncated: false }],
  [Buffer.from('\u001b[2J'), { kind: 'binary', text: '1b5b324a', truncated: false }],
  [Buffer.from('x'.repeat(20)), { kind: 'text', text: 'x'.repeat(10), truncated: true }],
  [null, { kind: 'none', text: '', truncated: false }],
])('shows a value as what it is: %s', (value, shown) => {
  expect(letterReport(deadLetter(stored(ours, value)), false, 10).value).toMatchObject(shown);
});

it('takes the newest records of all partitions, never more than asked for', () => {
  const bounds = [
    { partition: 0, begin: 0, end: 100 },
    { partition: 1, begin: 5, end: 7 },
    { partition: 2, begin: 0, end: 0 },
  ];
  const parts = newest(bounds, 50).toSorted((a, b) => a.partition - b.partition);
  expect(parts).toEqual([
    { partition: 0, begin: 52, end: 100 },
    { partition: 1, begin: 5, end: 7 },
    { partition: 2, begin: 0, end: 0 },
  ]);
});
