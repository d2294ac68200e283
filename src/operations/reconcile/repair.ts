import type { OperationContext } from '../../core/events.ts';
import type { DateReport, RepairReport } from '../../core/reconcile-report.ts';
import type { OpenStack } from '../stack.ts';

/** Processes a date anew; the same as `lambdactl batch run --date`. */
export type Reprocess = (stack: OpenStack, date: string, context: OperationContext) => Promise<unknown>;

/** Rows of a date that differ. */
export const differing = ({ entities }: DateReport): number =>
  entities.reduce((sum, { rows }) => sum + rows.missing + rows.extra + rows.different, 0);

/**
 * Processes differing dates again from the lake and compares once more. A date without a batch gets its first one.
 * @param compareAgain reports of these dates, in their order
 * @throws what a batch run throws
 */
export async function repair(
  stack: OpenStack,
  found: readonly DateReport[],
  context: OperationContext,
  reprocess: Reprocess,
  compareAgain: (dates: readonly string[]) => Promise<DateReport[]>,
): Promise<{ dates: DateReport[]; report: RepairReport | null }> {
  const broken = found.filter((date) => needsBatch(date));
  if (broken.length === 0) return { dates: [...found], report: null };
  for (const { date } of broken) await reprocess(stack, date, context);
  const again = await compareAgain(broken.map(({ date }) => date));
  const after = new Map(again.map((report) => [report.date, report]));
  return {
    dates: found.map((report) => after.get(report.date) ?? report),
    report: {
      dates: broken.map((before) => outcome(before, after.get(before.date) ?? before)),
      advice: again.flatMap(adviceFor),
    },
  };
}

/** Late rows are what the next batch run brings, so it is run for them too; a speed layer that lags has to be waited for. */
const needsBatch = ({ verdict, notReady, entities }: DateReport): boolean =>
  notReady.every(({ layer }) => layer === 'batch') &&
  (verdict === 'not-ready' || entities.some(({ rows }) => rows.missing + rows.extra + rows.different + rows.late > 0));

function outcome(before: DateReport, after: DateReport): RepairReport['dates'][number] {
  const [first, second] = [differing(before), differing(after)];
  const detail = second === 0 ? 'the layers agree' : `${second} rows still differ`;
  return { date: before.date, before: first, after: second, detail };
}

/** What is still wrong after the batch was made anew from the lake is wrong in the speed layer, or not in the lake. */
export function adviceFor({ date, entities }: DateReport): string[] {
  return entities.flatMap(({ entity, speedTable, rows }) => [
    ...(rows.extra > 0
      ? [
          `${date} ${entity}: ${rows.extra} rows are missing in ${speedTable} only. The speed job writes them when it reads its topics again from the earliest offset, which doubles nothing (docs/guarantees.md); what Kafka no longer holds stays in the batch layer.`,
        ]
      : []),
    ...(rows.different > 0
      ? [
          `${date} ${entity}: ${rows.different} rows have other values in ${speedTable} than in the lake. Delete them there and let the speed job read its topics again.`,
        ]
      : []),
    ...(rows.missing > 0
      ? [
          `${date} ${entity}: ${rows.missing} rows of ${speedTable} did not come out of the lake. Look for them in lake.rejected and in the batch's manifest (rejected, duplicates).`,
        ]
      : []),
  ]);
}
