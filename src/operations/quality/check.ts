import { join } from 'node:path';
import { type OperationContext, step } from '../../core/events.ts';
import { clickhouse } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { openClickHouse } from '../../probes/clickhouse.ts';
import { toJson } from '../../state/json-file.ts';
import { makeDirectory, readIfExists, writeAtomic } from '../../system/files.ts';
import { type OpenStack, projectRoot } from '../stack.ts';
import { withWarehouse } from '../warehouse.ts';
import { type AskLayer, evaluateQuality, type QualityReport } from './evaluate.ts';
import { parseRules } from './rules.ts';

/** Scores of a date are kept here, for `batch publish` and for whoever follows them. */
export const qualityFile = ({ paths }: OpenStack, date: string) => `${paths.stackDir}/data/quality/${date}.json`;

/** The project's rules on both layers. @throws LambdaError BAD_RULES, NOT_UP, BAD_SQL when a rule is no SQL of an engine */
export function checkQuality(
  stack: OpenStack,
  profile: Profile,
  date: string,
  context: OperationContext,
): Promise<QualityReport> {
  return step(context, { id: 'quality', title: 'Quality rules on both layers' }, async () => {
    const path = join(projectRoot, 'dags-repo', 'quality', 'rules.yaml');
    const rules = parseRules((await readIfExists(path)) ?? '', path);
    const speed = openClickHouse(await stack.runtime.endpoint('clickhouse', 'http'), clickhouse.database);
    try {
      const askSpeed: AskLayer = async (sql) => numbers((await speed.rows<Record<string, unknown>>(sql))[0]);
      const report = await withWarehouse(stack.runtime, profile, 'snowflake', (client) =>
        evaluateQuality(rules, date, { speed: askSpeed, batch: async (sql) => numbers((await client.rows(sql))[0]) }),
      );
      const file = qualityFile(stack, date);
      await makeDirectory(join(file, '..'), 0o700);
      await writeAtomic(file, toJson(report), { mode: 0o600 });
      const worst = report.tables.toSorted((a, b) => a.score - b.score)[0];
      const detail =
        worst === undefined ? '' : `lowest score ${worst.score.toFixed(4)} (${worst.layer} ${worst.table})`;
      return { value: report, detail };
    } finally {
      await speed.close();
    }
  });
}

const numbers = (row: Readonly<Record<string, unknown>> | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name.toLowerCase(), Number(value)]));
