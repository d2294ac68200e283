import type {
  BenchReport,
  FindMaxReport,
  HopLedger,
  Percentiles,
  QueryLatency,
  ResourceReport,
  SeriesPoint,
  ThresholdReport,
} from '../core/bench-report.ts';
import { bytes, cpu, inUnit, latency, limitText, percentOf, rate, reachedText, records } from './bench-format.ts';
import { duration } from './format.ts';
import { escaped, figure, type HtmlColumn, stackedTable } from './html-parts.ts';

/** The tables of a bench report, each '' where the report has nothing for it. Every figure carries its exact value (data value). */

const text = <Row>(name: string, of: (row: Row) => string): HtmlColumn<Row> => ({
  name,
  wide: true,
  cell: (row) => escaped(of(row)),
});

/** A column of figures. */
const figures = <Row>(
  name: string,
  of: (row: Row) => number | null,
  show: (value: number | null) => string,
): HtmlColumn<Row> => ({ name, number: true, cell: (row) => figure(of(row), show(of(row))) });

const mark = (ok: boolean, good: string, bad: string): string =>
  `<span class="tag ${ok ? 'agree' : 'differ'}">${escaped(ok ? good : bad)}</span>`;

export function thresholdsTable({ thresholds }: BenchReport): string {
  if (thresholds.length === 0) return '';
  return stackedTable<ThresholdReport>(
    [
      text<ThresholdReport>('Threshold', ({ name }) => name),
      { name: 'Asked for', number: true, cell: (each) => figure(each.limit, limitText(each)) },
      { name: 'Reached', number: true, cell: (each) => figure(each.value, reachedText(each)) },
      { name: 'Verdict', cell: ({ ok }) => mark(ok, 'held', 'missed') },
    ],
    thresholds,
  );
}

const percentileColumns: readonly HtmlColumn<Percentiles>[] = [
  figures('p50', ({ p50 }) => p50, latency),
  figures('p90', ({ p90 }) => p90, latency),
  figures('p95', ({ p95 }) => p95, latency),
  figures('p99', ({ p99 }) => p99, latency),
  figures('p99.9', ({ p999 }) => p999, latency),
  figures('max', ({ max }) => max, latency),
  figures('count', ({ count }) => count, records),
];

export function latencyTable({ latencyMs }: BenchReport): string {
  if (latencyMs === null) return '';
  const hops = Object.entries(latencyMs.hops).map(([name, hop]) => ({ name, ...hop }));
  const whole = { ...latencyMs, name: 'end to end', meaning: 'event time until visible in the last hop' };
  return stackedTable(
    [
      { name: 'Hop', cell: ({ name, meaning }) => `${escaped(name)}<small class="facts">${escaped(meaning)}</small>` },
      ...percentileColumns,
    ],
    [whole, ...hops],
  );
}

export function queriesTable({ queries }: BenchReport): string {
  if (queries.length === 0) return '';
  const statements = queries
    .map(({ name, sql }) => `<details><summary>${escaped(name)}</summary><code>${escaped(sql)}</code></details>`)
    .join('');
  const list = stackedTable<QueryLatency>(
    [
      text<QueryLatency>('Query', ({ name }) => name),
      ...percentileColumns,
      figures<QueryLatency>('rows read', ({ rowsRead }) => rowsRead, records),
      figures<QueryLatency>('errors', ({ errors }) => errors, records),
    ],
    queries,
  );
  return `${list}\n${statements}`;
}

export function stepsTable({ steps }: BenchReport): string {
  if (steps.length === 0) return '';
  const longest = Math.max(1, ...steps.map(({ elapsedMs }) => elapsedMs));
  const bar = (elapsedMs: number) =>
    `<span class="bar" style="width:${((elapsedMs / longest) * 100).toFixed(1)}%"></span>`;
  return stackedTable<BenchReport['steps'][number]>(
    [
      { name: 'Step', cell: ({ name, detail }) => `${escaped(name)}<small class="facts">${escaped(detail)}</small>` },
      figures<BenchReport['steps'][number]>('Time', ({ elapsedMs }) => elapsedMs, latency),
      {
        name: '',
        wide: true,
        cell: ({ elapsedMs }) => `<span class="track" aria-hidden="true">${bar(elapsedMs)}</span>`,
      },
    ],
    steps,
  );
}

export function findMaxTable({ findMax }: BenchReport): string {
  if (findMax === null) return '';
  const { rate: held, failedRate } = findMax;
  const found =
    held === null
      ? 'No rate held every threshold.'
      : `Highest rate that held every threshold: ${figure(held, rate(held))}.`;
  const missed = failedRate === null ? '' : ` Lowest that did not: ${figure(failedRate, rate(failedRate))}.`;
  const list = stackedTable<FindMaxReport['steps'][number]>(
    [
      { name: 'Rate', cell: (each) => figure(each.rate, rate(each.rate)) },
      figures<FindMaxReport['steps'][number]>('achieved', ({ achieved }) => achieved, rate),
      figures<FindMaxReport['steps'][number]>('p95', ({ p95 }) => p95, latency),
      figures<FindMaxReport['steps'][number]>('p99', ({ p99 }) => p99, latency),
      { name: 'Verdict', cell: ({ ok }) => mark(ok, 'held', 'not held') },
      text<FindMaxReport['steps'][number]>('Why', ({ reason }) => reason),
    ],
    findMax.steps,
  );
  return `<p>${found}${missed}</p>\n${list}`;
}

export function referenceTable({ reference }: BenchReport): string {
  return reference
    .map(({ name, rate: reached, latencyMs, detail }) => {
      const row = { name, detail, reached, ...(latencyMs ?? {}) };
      const head: HtmlColumn<typeof row>[] = [
        { name: 'Client', cell: (each) => `${escaped(each.name)}<small class="facts">${escaped(each.detail)}</small>` },
        figures('rate', (each) => each.reached, rate),
      ];
      if (latencyMs === null) return stackedTable(head, [row]);
      return stackedTable([...head, ...percentileColumns], [{ ...row, ...latencyMs }]);
    })
    .join('\n');
}

export function ledgerTables({ ledger }: BenchReport): string {
  if (ledger === null) return '';
  const { sent, bad, elapsedMs, hops } = ledger;
  const letters =
    bad === null
      ? ''
      : ` Of ${figure(bad.sent, records(bad.sent))} bad records ${figure(bad.deadLetters, records(bad.deadLetters))} are in the dead letter topics.`;
  const list = stackedTable<HopLedger>(
    [
      { name: 'Hop', cell: ({ hop, store }) => `${escaped(hop)}<small class="facts">${escaped(store)}</small>` },
      figures<HopLedger>('expected', ({ expected }) => expected, records),
      figures<HopLedger>('found', ({ found }) => found, records),
      defects('lost', ({ lost }) => lost),
      defects('doubled', ({ doubled }) => doubled),
      defects('alien', ({ alien }) => alien),
      defects('altered', ({ altered }) => altered),
      text<HopLedger>('counted by', ({ method }) => method),
    ],
    hops,
  );
  return `<p>${figure(sent, records(sent))} valid records acknowledged by Kafka; counted in ${figure(elapsedMs, duration(elapsedMs))}.${letters}</p>
${list}
${hops.map(examples).join('')}`;
}

const defects = (name: string, of: (hop: HopLedger) => number | null): HtmlColumn<HopLedger> => ({
  name,
  number: true,
  cell: (hop) => {
    const count = of(hop);
    const shown = figure(count, records(count));
    return count === null || count === 0 ? shown : `<strong class="differ">${shown}</strong>`;
  },
});

function examples({ hop, store, examples: ids }: HopLedger): string {
  if (ids.length === 0) return '';
  const items = ids.map(({ kind, id }) => `<li>${kind} <code>${escaped(id)}</code></li>`).join('');
  return `<details open><summary>${escaped(hop)} ${escaped(store)}: ids</summary><ul>${items}</ul></details>`;
}

export function resourcesTable({ resources }: BenchReport): string {
  if (resources === null) return '';
  return stackedTable<ResourceReport['components'][number]>(
    [
      text<ResourceReport['components'][number]>('Component', ({ name }) => name),
      figures<ResourceReport['components'][number]>('CPU-seconds', ({ cpuSeconds }) => cpuSeconds, cpu),
      figures<ResourceReport['components'][number]>(
        'a million records',
        ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion,
        cpu,
      ),
      figures<ResourceReport['components'][number]>('memory, at most', ({ peakPssBytes }) => peakPssBytes, bytes),
    ],
    resources.components.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds),
  );
}

/** What the plots over time show, closed until asked for. */
export function seriesTable({ series }: BenchReport): string {
  if (series.length === 0) return '';
  const names = [...new Set(series.flatMap(({ cpuPercent }) => Object.keys(cpuPercent)))];
  const columns: HtmlColumn<SeriesPoint>[] = [
    { name: 'second', cell: ({ t }) => figure(t, records(t)) },
    figures('sent', ({ sentRate }) => sentRate, rate),
    figures('visible', ({ visibleRate }) => visibleRate, rate),
    figures('lag', ({ lag }) => lag, records),
    figures('latency', ({ latencyMs }) => latencyMs, latency),
    figures('memory', ({ pssBytes }) => pssBytes, bytes),
    ...names.map((name) =>
      figures<SeriesPoint>(`CPU ${name}`, ({ cpuPercent }) => cpuPercent[name] ?? null, percentOf),
    ),
  ];
  // Too wide to be read as lists: it scrolls in both directions.
  const list = stackedTable(columns, series).replace('class="stacked"', 'class="readings"');
  return `<details><summary>All ${series.length} readings</summary><div class="scroll readings-scroll" tabindex="0" role="region" aria-label="All readings">${list}</div></details>`;
}

/** Under which circumstances: needed to compare with another run. */
export function environmentTable({ environment, request, startedAt, elapsedMs }: BenchReport): string {
  const {
    cpu: processor,
    cores,
    memoryBytes,
    os,
    node,
    lockHash,
    profileHash,
    loadBefore,
    outsideCpuPercent,
  } = environment;
  const rows: [string, string][] = [
    ['Processor', `${escaped(processor)}, ${figure(cores, records(cores))} cores`],
    ['Memory', figure(memoryBytes, bytes(memoryBytes))],
    ['System', escaped(`${os}, Node ${node}`)],
    ['Load before the run', figure(loadBefore, inUnit(loadBefore, 'records'))],
    ['CPU taken by other programs', figure(outsideCpuPercent, percentOf(outsideCpuPercent))],
    ['Started', escaped(startedAt)],
    ['Took', figure(elapsedMs, duration(elapsedMs))],
    ['Rate asked for', figure(request.rate, rate(request.rate))],
    [
      'Duration asked for',
      figure(request.durationMs, request.durationMs === null ? '–' : duration(request.durationMs)),
    ],
    ['Warm-up, not in the latencies', figure(request.warmupMs, duration(request.warmupMs))],
    ['Events asked for', figure(request.events, records(request.events))],
    ['Statements at a time', figure(request.concurrency, records(request.concurrency))],
    ['Seed', figure(request.seed, request.seed === null ? '–' : String(request.seed))],
    ['Component versions (hash of the locks)', `<code>${escaped(lockHash)}</code>`],
    ['Profile (hash)', `<code>${escaped(profileHash)}</code>`],
  ];
  return `<table class="pairs"><tbody>${rows.map(([name, html]) => `<tr><th scope="row">${escaped(name)}</th><td>${html}</td></tr>`).join('')}</tbody></table>`;
}
