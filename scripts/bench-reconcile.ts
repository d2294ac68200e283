/**
 * How fast two equal layers are found equal, and six planted defects are named: fills both engines of a running stack with the same
 * rows on a date of their own, each by its own SQL, and compares. The rows are deleted at the end.
 *
 *   node scripts/bench-reconcile.ts [--rows 1000000] [--date 2020-01-15] [--runs 3] [--stack NAME]
 *
 * The stack needs clickhouse and warehouse (`up --only clickhouse,warehouse`); LAMBDACTL_HOME names its home.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSchema } from '../src/operations/provision/schemas.ts';
import { openLayers } from '../src/operations/reconcile/layers.ts';
import { presentColumns } from '../src/operations/reconcile/watermarks.ts';
import { openStack, projectRoot } from '../src/operations/stack.ts';
import { settingsOf } from '../src/operations/warehouse.ts';
import { openClickHouse } from '../src/probes/clickhouse.ts';
import { openWarehouse } from '../src/probes/snowflake.ts';
import { compareEntity } from '../src/reconcile/compare.ts';
import { entityOf, layoutOf } from '../src/reconcile/entities.ts';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    date: { type: 'string', default: '2020-01-15' },
    runs: { type: 'string', default: '3' },
    stack: { type: 'string', default: 'default' },
  },
});
const rows = Number(flags.rows);
const { date } = flags;
const stepMs = Math.floor(86_400_000 / rows);

/** SQL of a UUID made of an expression's MD5. */
const speedUuid = (kind: string, expression: string) =>
  `toUUID(replaceRegexpOne(lower(hex(MD5(concat('${kind}', toString(${expression}))))), '(.{8})(.{4})(.{4})(.{4})(.{12})', '\\\\1-\\\\2-\\\\3-\\\\4-\\\\5'))`;
const batchUuid = (kind: string, expression: string) => {
  const part = (from: number, length: number) => `SUBSTR(MD5('${kind}' || ${expression}), ${from}, ${length})`;
  return `(${part(1, 8)} || '-' || ${part(9, 4)} || '-' || ${part(13, 4)} || '-' || ${part(17, 4)} || '-' || ${part(21, 12)})`;
};
const uuidOf = (kind: string, n: number): string =>
  createHash('md5')
    .update(`${kind}${n}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const columns =
  'event_id, user_id, session_id, event_type, timestamp, device_type, browser, ip_address, page_url, product_id, search_query, transaction_id, properties';
const properties = ',"referrer":"https://example.org/a/b/c","viewport":"1280x720","campaign":"autumn"}';

const speedInsert = `INSERT INTO lambda.user_events_realtime (${columns}, user_tier, processing_time) SELECT
  ${speedUuid('e', 'number')}, ${speedUuid('u', 'number % 5000')}, ${speedUuid('s', 'intDiv(number, 10)')},
  ['page_view', 'product_view', 'search'][number % 3 + 1], toDateTime64('${date} 00:00:00', 3, 'UTC') + toIntervalMillisecond(number * ${stepMs}),
  'mobile', 'Firefox', toIPv4(concat('10.1.', toString(number % 200), '.7')), concat('/p/', toString(number % 1000), '?q=ü'),
  if(number % 3 = 1, toString(${speedUuid('p', 'number % 100')}), NULL), if(number % 3 = 2, concat('shoes ', toString(number)), NULL), NULL,
  concat('{"n":', toString(number), '${properties}'), 'gold', toDateTime64('${date} 00:00:00', 3, 'UTC') FROM numbers(${rows})`;

const batchInsert = `INSERT INTO RAW.USER_EVENTS (${columns}) SELECT
  ${batchUuid('e', 'n')}, UPPER(${batchUuid('u', 'MOD(n, 5000)')}), ${batchUuid('s', 'CAST(FLOOR(n / 10) AS NUMBER(10, 0))')},
  DECODE(MOD(n, 3), 0, 'page_view', 1, 'product_view', 'search'), DATEADD(MICROSECOND, n * ${stepMs * 1000} + 123, '${date} 00:00:00'::TIMESTAMP_NTZ),
  'mobile', 'Firefox', '10.1.' || MOD(n, 200) || '.7', '/p/' || MOD(n, 1000) || '?q=ü',
  IFF(MOD(n, 3) = 1, ${batchUuid('p', 'MOD(n, 100)')}, NULL), IFF(MOD(n, 3) = 2, 'shoes ' || n, NULL), NULL,
  '{"n":' || n || '${properties}' FROM (SELECT CAST(ROW_NUMBER() OVER (ORDER BY 1) - 1 AS NUMBER(10, 0)) AS n FROM TABLE(GENERATOR(ROWCOUNT => ${rows})))`;

const at = (share: number) => uuidOf('e', Math.floor(rows * share));
const planted = {
  missing: [at(0.1), at(0.2), at(0.3)],
  different: [at(0.4), at(0.5)],
  extra: ['ffffffff-0000-4000-8000-000000000001'],
};
const plant = [
  `DELETE FROM RAW.USER_EVENTS WHERE EVENT_ID IN ('${planted.missing.join("', '")}')`,
  `UPDATE RAW.USER_EVENTS SET PAGE_URL = '' WHERE EVENT_ID = '${planted.different[0]}'`,
  `UPDATE RAW.USER_EVENTS SET BROWSER = 'firefox' WHERE EVENT_ID = '${planted.different[1]}'`,
  `INSERT INTO RAW.USER_EVENTS (${columns}) SELECT '${planted.extra[0]}', ${columns.replace('event_id, ', '')} FROM RAW.USER_EVENTS WHERE EVENT_ID = '${at(0.6)}'`,
];

const stack = await openStack({ home: process.env.LAMBDACTL_HOME, stack: flags.stack });
const { profile } = stack;
if (profile === null) throw new Error('the stack was never up');
const speed = openClickHouse(await stack.runtime.endpoint('clickhouse', 'admin'), 'lambda');
const batch = await openWarehouse(await settingsOf(stack.runtime, profile, 'admin'));
const layers = await openLayers(stack, profile);
const schema = await loadSchema(join(projectRoot, 'schemas', layoutOf('user_events').schema));
const entity = entityOf('user_events', schema, await presentColumns(layers.speed.ask, layers.batch.ask, 'user_events'));
const next = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

async function clear(): Promise<void> {
  await speed.command(
    `ALTER TABLE lambda.user_events_realtime DELETE WHERE toDate(timestamp) = '${date}' SETTINGS mutations_sync = 2`,
  );
  await batch.command(
    `DELETE FROM RAW.USER_EVENTS WHERE TIMESTAMP >= '${date}'::TIMESTAMP_NTZ AND TIMESTAMP < '${next}'::TIMESTAMP_NTZ`,
  );
}

/** CPU seconds of both engines so far: on a busy machine these compare, not the seconds of the clock. Linux counts a hundred ticks a second. */
async function cpuSeconds(): Promise<number> {
  const { services } = await stack.runtime.observe();
  const pids = services.flatMap(({ component, pid }) =>
    ['clickhouse', 'warehouse'].includes(component) && pid !== null ? [pid] : [],
  );
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

async function measure(title: string): Promise<void> {
  for (let run = 0; run < Number(flags.runs); run++) {
    const scope = { entity, date, lakeTime: Date.now() };
    const before = await cpuSeconds();
    const report = await compareEntity(layers.speed, layers.batch, scope, { thresholdPercent: 100, maxRows: 100 });
    const cpu = (await cpuSeconds()) - before;
    const { elapsedMs, rows: counts, differences } = report;
    const found = (kind: string) => differences.filter((row) => row.kind === kind).map(({ id }) => id);
    const exact = Object.entries(planted).every(
      ([kind, ids]) => found(kind).toSorted().join() === ids.toSorted().join(),
    );
    const named =
      report.verdict === 'differ'
        ? `, every wrong id ${((elapsedMs.verdict + elapsedMs.rows) / 1000).toFixed(2)} s, exactly the planted ones: ${exact}`
        : '';
    console.log(
      `${title}: ${counts.speed} ⇄ ${counts.batch} rows, ${report.verdict}, verdict ${(elapsedMs.verdict / 1000).toFixed(2)} s${named}; ${cpu.toFixed(1)} CPU-seconds`,
    );
  }
}

try {
  await clear();
  await speed.command(speedInsert);
  await batch.command(batchInsert);
  await measure('equal');
  for (const sql of plant) await batch.command(sql);
  await measure('six defects');
} finally {
  await clear();
  await Promise.all([layers.close(), speed.close(), batch.close()]);
}
