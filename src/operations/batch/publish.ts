import { z } from 'zod';
import { type OperationContext, step } from '../../core/events.ts';
import { makeDirectory, readIfExists, writeAtomic } from '../../system/files.ts';
import { qualityFile } from '../quality/check.ts';
import type { OpenStack } from '../stack.ts';
import { readRecord } from './record.ts';

export interface PublishReport {
  file: string;
  metrics: number;
}

/** Of a quality report what becomes metrics. */
const scores = z.object({
  tables: z.array(z.object({ layer: z.string(), table: z.string(), rows: z.number(), score: z.number() })),
});

/**
 * Figures of the date's last batch in Prometheus' text format, for a textfile collector: `data/metrics/batch.prom` of the stack.
 * Replaced whole, so that a reader never sees a half.
 */
export function publishMetrics(stack: OpenStack, date: string, context: OperationContext): Promise<PublishReport> {
  return step(context, { id: 'publish', title: 'Publish metrics' }, async () => {
    const record = await readRecord(stack, date);
    const quality = scores.safeParse(JSON.parse((await readIfExists(qualityFile(stack, date))) ?? 'null'));
    const lines = [
      ...family(
        'lambda_batch_step_seconds',
        'Duration of the last run of a step',
        Object.entries(record.stepMs),
        ([name, ms]) => [{ date, step: name }, ms / 1000],
      ),
      ...family(
        'data_quality_score',
        'Mean share of good rows',
        quality.data?.tables ?? [],
        ({ layer, table, score }) => [{ date, checkpoint: `${layer}.${table}` }, score],
      ),
      ...family('lambda_layer_rows', 'Rows of the date', quality.data?.tables ?? [], ({ layer, table, rows }) => [
        { date, layer, table },
        rows,
      ]),
      ...family(
        'lambda_batch_lake_time_seconds',
        'What Kafka held then is in the warehouse',
        record.lakeTime === null ? [] : [record.lakeTime],
        (time) => [{ date }, Date.parse(time) / 1000],
      ),
    ];
    const directory = `${stack.paths.stackDir}/data/metrics`;
    await makeDirectory(directory, 0o700);
    const file = `${directory}/batch.prom`;
    await writeAtomic(file, `${lines.join('\n')}\n`, { mode: 0o644 });
    const metrics = lines.filter((line) => !line.startsWith('#')).length;
    return { value: { file, metrics }, detail: `${metrics} metrics in ${file}` };
  });
}

function family<T>(
  name: string,
  help: string,
  items: readonly T[],
  sample: (item: T) => [Readonly<Record<string, string>>, number],
): string[] {
  if (items.length === 0) return [];
  const samples = items.map((item) => {
    const [labels, value] = sample(item);
    const text = Object.entries(labels).map(([key, each]) => `${key}="${each}"`);
    return `${name}{${text.join(',')}} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples];
}
