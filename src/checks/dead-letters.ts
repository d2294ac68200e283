import { topics } from '../platform/pipeline.ts';
import { inspectKafka, type TailRecord } from '../probes/kafka-inspect.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { brokersOf, outcome, plural } from './support.ts';

const recentMs = 3_600_000;
/** Records read from the end of each partition, to tell why records are refused. */
const tailRecords = 50;
const tailWaitMs = 1500;

const deadLetterTopics = topics.map(({ name }) => name).filter((name) => name.endsWith('.dlq'));

export const deadLetters: Check = {
  name: 'dead-letters',
  area: 'data',
  title: 'Dead letters: how many, how many lately, and why',
  needs: ['kafka'],
  async run(context) {
    return inspectKafka(await brokersOf(context), async (kafka) => {
      const [ranges, recent] = await Promise.all([
        kafka.ranges(deadLetterTopics),
        kafka.countSince(deadLetterTopics, context.now - recentMs),
      ]);
      const depth = Object.entries(ranges).map(([topic, { first, end }]) => {
        const records = Object.entries(end).reduce((sum, [partition, last]) => {
          return sum + last - (first[Number(partition)] ?? 0);
        }, 0);
        return { topic, records, recent: Math.min(records, recent[topic] ?? 0) };
      });
      const growing = depth.filter((each) => each.recent > 0);
      const tail =
        growing.length === 0
          ? []
          : await kafka.tail(
              growing.map(({ topic }) => topic),
              tailRecords,
              tailWaitMs,
            );
      const total = depth.reduce((sum, { records }) => sum + records, 0);
      return outcome(
        total === 0
          ? 'none'
          : `${plural(total, 'dead letter')}${growing.length === 0 ? ', none of the last hour' : ''}`,
        growing.map((each) => finding(context, each, tail)),
      );
    });
  },
};

function finding(
  context: CheckContext,
  { topic, records, recent }: { topic: string; records: number; recent: number },
  tail: readonly TailRecord[],
): Finding {
  const own = tail.filter((record) => record.topic === topic);
  return {
    severity: 'warning',
    what: `${plural(recent, 'dead letter')} in ${topic} within the last hour (${records.toLocaleString('en-US')} in all)${reasons(own)}`,
    why: 'These records are in no view and no report until they are mended and replayed, or purged.',
    fix: { command: commandFor(context, `dlq show ${topic}`), safe: false },
  };
}

/** "; of the last 40: BAD_JSON 30, TOO_LATE 10, e.g. …" */
export function reasons(tail: readonly Pick<TailRecord, 'headers' | 'time'>[]): string {
  if (tail.length === 0) return '';
  const groups = [...Map.groupBy(tail, ({ headers }) => headers['dlq.error.class'] ?? 'no reason')];
  const top = groups.toSorted(([, a], [, b]) => b.length - a.length).slice(0, 3);
  const newest = top[0]?.[1].toSorted((a, b) => b.time - a.time)[0];
  const example = newest?.headers['dlq.error.text']?.split('\n')[0]?.slice(0, 120);
  const counts = top.map(([name, each]) => `${name} ${each.length}`).join(', ');
  return `; of the last ${tail.length}: ${counts}${example === undefined ? '' : `, e.g. ${example}`}`;
}
