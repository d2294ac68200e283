import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import type { EntityReport, ReconcileReport, RowDifference } from '../core/reconcile-report.ts';
import { reconcileHtml } from './html-report.ts';
import { reconcileJunit } from './junit.ts';
import { percent, reconcileText } from './reconcile-text.ts';

const hostile = `<script>alert("1")</script> & 'x' \u0007`;
const id = (n: number) => `0000000${n}-0000-4000-8000-000000000000`;
const differences: RowDifference[] = [
  { id: id(1), kind: 'missing', copies: { speed: 1, batch: 0 }, columns: [] },
  { id: id(2), kind: 'extra', copies: { speed: 0, batch: 1 }, columns: [] },
  {
    id: id(3),
    kind: 'different',
    copies: { speed: 1, batch: 1 },
    columns: [
      { column: 'page_url', speed: null, batch: '' },
      { column: 'browser', speed: hostile, batch: 'Firefox' },
    ],
  },
  { id: id(4), kind: 'duplicate', copies: { speed: 2, batch: 1 }, columns: [] },
];
const differing: EntityReport = {
  entity: 'transactions',
  speedTable: 'lambda.transactions_realtime',
  batchTable: 'RAW.TRANSACTIONS',
  verdict: 'differ',
  consistencyPercent: 99.6,
  rows: { speed: 1000, batch: 999, matching: 996, missing: 2, extra: 1, different: 1, duplicate: 1, late: 5 },
  sums: [{ column: 'total_amount', speed: '100.50', batch: '100.00' }],
  columns: { compared: ['transaction_id'], excluded: [{ column: 'data', reason: 'why' }] },
  segments: { compared: 16, differing: 4, rounds: 1 },
  differences,
  notNamed: 7,
  elapsedMs: { verdict: 1200, rows: 300 },
};
const agreeing: EntityReport = {
  ...differing,
  entity: 'user_events',
  verdict: 'agree',
  consistencyPercent: 100,
  sums: [],
  differences: [],
  notNamed: 0,
};
const report: ReconcileReport = {
  version: 1,
  stack: 'default',
  startedAt: '2026-03-09T02:00:00.000Z',
  elapsedMs: 4000,
  thresholdPercent: 99.9,
  maxRows: 4,
  verdict: 'differ',
  dates: [
    {
      date: '2026-03-08',
      verdict: 'differ',
      day: 'finished',
      notReady: [],
      watermarks: {
        speed: { passed: null, behind: null, detail: 'Kafka does not run: ClickHouse is taken as it is' },
        batch: { passed: true, batchId: 'b', lakeTime: '2026-03-09T01:00:00.000Z', detail: 'the whole day' },
      },
      entities: [agreeing, differing],
      sla: { dueAt: '2026-03-10T00:00:00.000Z', breached: true, alert: null },
    },
    {
      date: '2026-03-09',
      verdict: 'not-ready',
      day: 'unfinished',
      notReady: [
        {
          layer: 'batch',
          reason: 'No batch of this date was loaded.',
          actions: ['lambdactl batch run --date 2026-03-09'],
        },
      ],
      watermarks: {
        speed: { passed: true, behind: 0, detail: 'everything that Kafka held is written' },
        batch: { passed: false, batchId: null, lakeTime: null, detail: 'no batch' },
      },
      entities: [],
      sla: { dueAt: '2026-03-11T00:00:00.000Z', breached: false, alert: null },
    },
  ],
  repair: null,
};

it.each([
  [100, '100 %'],
  [99.9994000006, '99.9994 %'],
  [99.9999997, '99.9999997 %'],
  [99.8999, '99.89 %'],
  [99.9, '99.90 %'],
  [49.8998, '49.89 %'],
  [0, '0.00 %'],
])('%d is shown as %s and never rounded up to agreement', (value, text) => expect(percent(value)).toBe(text));

describe('text', () => {
  const text = reconcileText(report);
  it('names rows, both values and what is left', () => {
    expect(text).toContain(`transactions ${id(1)}  only in the speed layer`);
    expect(text).toContain('page_url: NULL (speed), "" (batch)');
    expect(text).toContain('… and 7 more');
    expect(text).toContain('→ lambdactl batch run --date 2026-03-09');
    expect(text).toContain('sum of total_amount 100.50 (speed), 100.00 (batch)');
    expect(text).toContain('SLA');
  });
});

describe('JUnit', () => {
  const xml = reconcileJunit(report);
  it('is valid XML with a test case an entity and date', () => {
    expect(XMLValidator.validate(xml)).toBe(true);
    const { testsuites } = new XMLParser({
      ignoreAttributes: false,
      isArray: (name) => name.startsWith('testcase') || name === 'testsuite',
    }).parse(xml);
    const [first, second] = testsuites.testsuite;
    expect([first['@_tests'], first['@_failures'], first['@_errors']]).toEqual(['2', '1', '0']);
    expect(first.testcase.map((each: Record<string, unknown>) => each['@_name'])).toEqual([
      'user_events',
      'transactions',
    ]);
    expect(first.testcase[1].failure['@_message']).toContain('2 missing, 1 extra, 1 different');
    expect(first.testcase[1].failure['#text']).toContain(`${id(3)} other values: page_url, browser`);
    expect([second['@_errors'], second.testcase[0].error['@_type']]).toEqual(['1', 'NOT_READY']);
  });
});

describe('HTML', () => {
  const html = reconcileHtml(report);
  it('loads nothing and runs nothing', () => {
    expect(html).not.toMatch(/<script|src=|href=|url\(|@import/);
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;');
  });
  it('tells NULL from an empty text, and what is not shown', () => {
    expect(html).toContain('<em>NULL</em>');
    expect(html).toContain('<code>&quot;&quot;</code>');
    expect(html).toContain('… and 7 more.');
    expect(html).toContain('SLA breached');
    expect(html).toContain('lambdactl batch run --date 2026-03-09');
  });
  it('is the same from the JSON alone', () => expect(reconcileHtml(JSON.parse(JSON.stringify(report)))).toBe(html));
});
