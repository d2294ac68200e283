import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, usageError } from '../../core/errors.ts';

const kinds = ['completeness', 'uniqueness', 'validity', 'timeliness', 'range'] as const;

const rule = z
  .strictObject({
    name: z.string(),
    kind: z.enum(kinds),
    bad: z.string().optional(),
    speed: z.string().optional(),
    batch: z.string().optional(),
    unique: z.string().optional(),
    /** Told, but no part of the score. */
    warn: z.boolean().optional(),
  })
  .refine(
    ({ bad, speed, batch, unique }) =>
      [bad ?? speed ?? batch, unique].filter((each) => each !== undefined).length === 1,
    {
      message: 'a rule has `bad` (or `speed`, `batch`), or `unique`',
    },
  );

const rulesFile = z.strictObject({
  threshold: z.number().min(0).max(1),
  volume: z.strictObject({ days: z.int().min(1).max(90), tolerance: z.number().positive() }),
  tables: z.strictObject({
    user_events: z.strictObject({ rules: z.array(rule).nonempty() }),
    transactions: z.strictObject({ rules: z.array(rule).nonempty() }),
  }),
});

export type QualityRules = z.infer<typeof rulesFile>;
export type QualityRule = z.infer<typeof rule>;
export type QualityTable = keyof QualityRules['tables'];
export type Layer = 'speed' | 'batch';

/** @throws LambdaError BAD_RULES naming the key */
export function parseRules(text: string, path: string): QualityRules {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw bad(path, messageOf(error));
  }
  const parsed = rulesFile.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw bad(path, parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

function bad(path: string, problem: string) {
  return usageError(`Quality rules ${path}: ${problem}`, { code: 'BAD_RULES' });
}

/** Where a table's rows are in a layer, and how a day of them is told from others. */
interface Place {
  table: string;
  time: string;
  /** A day's first moment as this engine writes it. */
  moment(date: string): string;
}

const places: Readonly<Record<Layer, Readonly<Record<QualityTable, Place>>>> = {
  speed: {
    user_events: { table: 'user_events_realtime', time: 'timestamp', moment: (date) => `toDateTime64('${date}', 3)` },
    transactions: {
      table: 'transactions_realtime',
      time: 'created_at',
      moment: (date) => `toDateTime64('${date}', 3)`,
    },
  },
  batch: {
    user_events: { table: 'RAW.USER_EVENTS', time: 'timestamp', moment: (date) => `'${date}'::timestamp_ntz` },
    transactions: { table: 'RAW.TRANSACTIONS', time: 'created_at', moment: (date) => `'${date}'::timestamp_ntz` },
  },
};

/** The rules of a table that a layer can evaluate. */
export function rulesOf(rules: QualityRules, table: QualityTable, layer: Layer): QualityRule[] {
  return rules.tables[table].rules.filter(
    (each) => each.unique !== undefined || conditionOf(each, layer) !== undefined,
  );
}

const conditionOf = (each: QualityRule, layer: Layer): string | undefined => each[layer] ?? each.bad;

/**
 * One statement that counts a day's rows as `total` and the bad ones of each rule as `r0`, `r1`, …; one scan.
 * @param from first date, included
 * @param to first date after
 */
export function qualitySql(
  rules: QualityRules,
  table: QualityTable,
  layer: Layer,
  [from, to]: [string, string],
): string {
  const place = places[layer][table];
  const columns = rulesOf(rules, table, layer).map((each, index) =>
    each.unique === undefined
      ? `count(case when ${conditionOf(each, layer)} then 1 end) as r${index}`
      : `count(*) - count(distinct ${each.unique}) as r${index}`,
  );
  return `select count(*) as total, ${columns.join(', ')} from ${place.table} where ${within(place, from, to)}`;
}

/** Rows of the days from `from` to before `to` as `total`, and the days that have any as `days`. */
export function volumeSql(table: QualityTable, layer: Layer, [from, to]: [string, string]): string {
  const place = places[layer][table];
  return `select count(*) as total, count(distinct cast(${place.time} as date)) as days from ${place.table} where ${within(place, from, to)}`;
}

const within = ({ time, moment }: Place, from: string, to: string): string =>
  `${time} >= ${moment(from)} and ${time} < ${moment(to)}`;
