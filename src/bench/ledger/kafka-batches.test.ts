import { expect, it } from 'vitest';
import { createGenerator } from '../../generator/generator.ts';
import { compressions, RecordBatchBuilder } from '../../generator/kafka/record-batch.ts';
import { RecordCursor, readBatches } from '../../probes/kafka-batches.ts';

const source = { seed: 4, rate: 1000, startTime: Date.UTC(2026, 0, 5, 9), count: 600 };

it.each(compressions)('batches of the generator are read in place, from and to any offset: %s', (compression) => {
  const builder = new RecordBatchBuilder();
  const generator = createGenerator(source);
  while (generator.next()) builder.append(generator, false);
  const batch = Buffer.from(builder.seal(compression).bytes);
  const later = Buffer.from(batch);
  later.writeBigInt64BE(2n ** 33n, 0);
  const expected = createGenerator(source)
    .batch(600)
    .filter(({ topic }) => topic === 'user_events');

  const cursor = new RecordCursor();
  const seen: { offset: number; text: string }[] = [];
  const nexts: number[] = [];
  // The third is cut off, as at the end of a broker's answer.
  readBatches(Buffer.concat([batch, later, batch.subarray(0, 500)]), ({ ...at }, body) => {
    nexts.push(at.nextOffset);
    cursor.walk(body ?? Buffer.alloc(0), at, 590, 2 ** 33 + 5, ({ offset, key, value }) => {
      seen.push({ offset, text: `${key} ${value}` });
    });
  });
  expect(nexts).toEqual([600, 2 ** 33 + 600]);
  const numbers = [
    ...Array.from({ length: 10 }, (_, n) => 590 + n),
    ...Array.from({ length: 5 }, (_, n) => 2 ** 33 + n),
  ];
  expect(seen.map(({ offset }) => offset)).toEqual(numbers);
  expect(seen.map(({ text }) => text)).toEqual(
    numbers.map((offset) => `${expected[offset % 2 ** 33]?.key} ${expected[offset % 2 ** 33]?.value}`),
  );
});
