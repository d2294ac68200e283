import type { BenchList, BenchReport, HopLedger, LedgerReport, Percentiles } from '../core/bench-report.ts';
import {
  benchVerdict,
  bytes,
  cpu,
  latency,
  limitText,
  percentOf,
  rate,
  reachedText,
  records,
  requestText,
} from './bench-format.ts';
import { duration, grouped } from './format.ts';
import { type Column, tableWithin, wrapped } from './width.ts';

/** What a run found, for people: the verdict, then what it rests on. No line is longer than the width but those to copy: the file, the command. */
export function benchText(report: BenchReport, { width, file }: { width: number; file?: string }): string {
  return [
    wrapped(benchVerdict(report), width),
    wrapped(factsText(report), width),
    ...(report.parts.length > 0 ? partsText(report, width) : sections(report, width)),
    ...notesText(report, width),
    ...(file === undefined ? [] : ['', file, `  → lambdactl bench show ${report.id} --html report.html`]),
  ].join('\n');
}

function factsText(report: BenchReport): string {
  const { scenario, profile, environment, elapsedMs } = report;
  const asked = requestText(report);
  const outside = environment.outsideCpuPercent;
  return [
    [scenario, ...(asked === '' ? [] : [asked])].join(' '),
    `profile ${profile}`,
    `${environment.cores} cores, ${bytes(environment.memoryBytes)}`,
    ...(outside === null ? [] : [`${percentOf(outside)} of the CPU taken by others`]),
    `took ${duration(elapsedMs)}`,
  ].join(' · ');
}

function partsText({ parts }: BenchReport, width: number): string[] {
  return parts.flatMap((part) => [
    '',
    `── ${part.scenario} ${'─'.repeat(Math.max(0, Math.min(width, 80) - part.scenario.length - 4))}`,
    benchText(part, { width }),
  ]);
}

function sections(report: BenchReport, width: number): string[] {
  return [
    thresholdsText(report, width),
    throughputText(report, width),
    findMaxText(report, width),
    referenceText(report, width),
    stepsText(report, width),
    report.ledger === null ? '' : ledgerText(report.ledger, width),
    latencyText(report, width),
    queriesText(report, width),
    resourcesText(report, width),
  ].flatMap((section) => (section === '' ? [] : ['', section]));
}

function thresholdsText({ thresholds }: BenchReport, width: number): string {
  if (thresholds.length === 0) return '';
  return tableWithin(width, [
    { header: 'THRESHOLD', cells: thresholds.map(({ name }) => name) },
    { header: 'ASKED FOR>', cells: thresholds.map(limitText) },
    { header: 'REACHED>', cells: thresholds.map(reachedText) },
    { header: '', cells: thresholds.map(({ ok }) => (ok ? 'ok' : 'MISSED')) },
  ]);
}

function throughputText({ throughput }: BenchReport, width: number): string {
  if (throughput === null) return '';
  const { offered, achieved, visible, records: sent, bytes: size, lateMsMax } = throughput;
  const parts = [
    `Rate: ${rate(offered)} offered, ${rate(achieved)} achieved${visible === null ? '' : `, ${rate(visible)} visible`};`,
    `${grouped(sent)} records, ${bytes(size)};`,
    `at most ${latency(lateMsMax)} behind schedule.`,
  ];
  return wrapped(parts.join(' '), width, '  ');
}

function findMaxText({ findMax }: BenchReport, width: number): string {
  if (findMax === null) return '';
  const { rate: held, failedRate, steps } = findMax;
  const found =
    held === null ? 'No rate held every threshold' : `Highest rate that held every threshold: ${rate(held)}`;
  const missed = failedRate === null ? '' : `; ${rate(failedRate)} did not`;
  const list = tableWithin(width, [
    { header: 'RATE>', cells: steps.map((each) => rate(each.rate)) },
    { header: 'ACHIEVED>', cells: steps.map((each) => rate(each.achieved)) },
    { header: 'P95>', cells: steps.map((each) => latency(each.p95)) },
    { header: 'P99>', cells: steps.map((each) => latency(each.p99)) },
    { header: '', cells: steps.map(({ ok, reason }) => (ok ? 'held' : `not held: ${reason}`)) },
  ]);
  return `${wrapped(`${found}${missed}.`, width)}\n${list}`;
}

function referenceText({ reference, throughput }: BenchReport, width: number): string {
  return reference
    .map(({ name, rate: reached, latencyMs, detail }) => {
      const share =
        throughput === null || reached === 0
          ? ''
          : `, this run ${((throughput.achieved / reached) * 100).toFixed(0)} % of it`;
      const times = latencyMs === null ? '' : `; p50 ${latency(latencyMs.p50)}, p99 ${latency(latencyMs.p99)}`;
      return wrapped(`For comparison: ${name} ${rate(reached)}${share}${times} (${detail}).`, width, '  ');
    })
    .join('\n');
}

function stepsText({ steps }: BenchReport, width: number): string {
  if (steps.length === 0) return '';
  const longest = Math.max(...steps.map(({ elapsedMs }) => elapsedMs));
  return tableWithin(width, [
    { header: 'STEP', cells: steps.map(({ name }) => name) },
    { header: 'TIME>', cells: steps.map(({ elapsedMs }) => latency(elapsedMs)) },
    { header: '', cells: steps.map(({ elapsedMs }) => '█'.repeat(Math.round((elapsedMs / longest) * 20))), drop: 1 },
    { header: '', cells: steps.map(({ detail }) => detail) },
  ]);
}

const isClean = ({ lost, doubled, alien, altered }: HopLedger): boolean =>
  lost + doubled + alien + (altered ?? 0) === 0;

function ledgerText(ledger: LedgerReport, width: number): string {
  const { hops, sent, bad, elapsedMs } = ledger;
  const dirty = hops.filter((hop) => !isClean(hop));
  const dead = bad === null ? [] : [`${grouped(bad.sent)} bad records sent, ${grouped(bad.deadLetters)} dead letters.`];
  const head = `Ledger: ${grouped(sent)} records sent, counted in ${duration(elapsedMs)}.`;
  return [
    wrapped([head, ...cleanText(hops), ...dead].join(' '), width, '  '),
    ...(dirty.length === 0 ? [] : [defectsTable(dirty, width), ...dirty.flatMap((hop) => examplesText(hop, width))]),
  ].join('\n');
}

/** The clean places in one sentence, and no more than was looked at: by which method, and where contents were compared. */
function cleanText(hops: readonly HopLedger[]): string[] {
  const clean = hops.filter(isClean);
  if (clean.length === 0) return [];
  const names = [...new Set(clean.map(({ hop }) => hop))].map((name) => {
    const [good, all] = [clean, hops].map((list) => list.filter(({ hop }) => hop === name).length);
    if (good !== all) return `${name} (${good} of ${all} places)`;
    return all === 1 ? name : `${name} (${all} places)`;
  });
  const compared = clean.filter(({ altered }) => altered !== null).length;
  const contents = compared === 0 ? '' : `; contents compared in ${compared}`;
  return [`All there and only once in ${names.join(', ')}${contents}.`];
}

function defectsTable(hops: readonly HopLedger[], width: number): string {
  return tableWithin(width, [
    { header: 'HOP', cells: hops.map(({ hop }) => hop) },
    { header: 'EXPECTED>', cells: hops.map(({ expected }) => grouped(expected)), drop: 2 },
    { header: 'FOUND>', cells: hops.map(({ found }) => grouped(found)), drop: 2 },
    { header: 'LOST>', cells: hops.map(({ lost }) => grouped(lost)) },
    { header: 'DOUBLED>', cells: hops.map(({ doubled }) => grouped(doubled)) },
    { header: 'ALIEN>', cells: hops.map(({ alien }) => grouped(alien)) },
    { header: 'ALTERED>', cells: hops.map(({ altered }) => records(altered)) },
    { header: 'COUNTED BY', cells: hops.map(({ method }) => method), drop: 3 },
    { header: 'PLACE', cells: hops.map(({ store }) => store) },
  ]);
}

function examplesText({ hop, examples }: HopLedger, width: number): string[] {
  const kinds = ['lost', 'doubled', 'alien', 'altered'] as const;
  return kinds.flatMap((kind) => {
    const ids = examples.filter((each) => each.kind === kind).map(({ id }) => id);
    return ids.length === 0 ? [] : [wrapped(`  ${hop} ${kind}: ${ids.join(', ')}`.trimStart(), width, '    ')];
  });
}

const percentileColumns = (rows: readonly Percentiles[]): Column[] => [
  { header: 'P50>', cells: rows.map(({ p50 }) => latency(p50)) },
  { header: 'P90>', cells: rows.map(({ p90 }) => latency(p90)), drop: 1 },
  { header: 'P95>', cells: rows.map(({ p95 }) => latency(p95)) },
  { header: 'P99>', cells: rows.map(({ p99 }) => latency(p99)) },
  { header: 'P99.9>', cells: rows.map(({ p999 }) => latency(p999)) },
  { header: 'MAX>', cells: rows.map(({ max }) => latency(max)) },
  { header: 'COUNT>', cells: rows.map(({ count }) => grouped(count)), drop: 2 },
];

function latencyText({ latencyMs }: BenchReport, width: number): string {
  if (latencyMs === null) return '';
  const hops = Object.entries(latencyMs.hops);
  const rows = [latencyMs, ...hops.map(([, each]) => each)];
  return tableWithin(width, [
    { header: 'LATENCY', cells: ['end to end', ...hops.map(([name]) => name)] },
    ...percentileColumns(rows),
    { header: '', cells: ['', ...hops.map(([, { meaning }]) => meaning)], drop: 3 },
  ]);
}

function queriesText({ queries }: BenchReport, width: number): string {
  if (queries.length === 0) return '';
  return tableWithin(width, [
    { header: 'QUERY', cells: queries.map(({ name }) => name) },
    ...percentileColumns(queries),
    { header: 'ROWS READ>', cells: queries.map(({ rowsRead }) => records(rowsRead)), drop: 3 },
    { header: 'ERRORS>', cells: queries.map(({ errors }) => (errors === 0 ? '' : grouped(errors))) },
  ]);
}

function resourcesText({ resources }: BenchReport, width: number): string {
  if (resources === null) return '';
  const { components, cpuSecondsPerMillion, peakPssBytes, benchCpuPercent } = resources;
  const shown = components.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds);
  const sum = shown.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0);
  const list = tableWithin(width, [
    { header: 'COMPONENT', cells: [...shown.map(({ name }) => name), 'all'] },
    { header: 'CPU-S>', cells: [...shown.map(({ cpuSeconds }) => cpu(cpuSeconds)), cpu(sum)] },
    {
      header: 'PER MILLION>',
      cells: [...shown.map((each) => cpu(each.cpuSecondsPerMillion)), cpu(cpuSecondsPerMillion)],
    },
    { header: 'PEAK MEMORY>', cells: [...shown.map((each) => bytes(each.peakPssBytes)), bytes(peakPssBytes)] },
  ]);
  return `${list}\n${wrapped(`The bench itself took ${percentOf(benchCpuPercent)} of the CPU.`, width)}`;
}

function notesText({ notes }: BenchReport, width: number): string[] {
  return notes.length === 0 ? [] : ['', ...notes.map((note) => wrapped(`- ${note}`, width, '  '))];
}

/** Kept runs, newest first. */
export function benchListText({ runs, unreadable }: BenchList, width: number): string {
  const lost = unreadable.map((file) => `Not a whole report: ${file}`);
  if (runs.length === 0) return ['No result is kept yet.', '  → lambdactl bench speed', ...lost].join('\n');
  const list = tableWithin(width, [
    { header: 'RUN', cells: runs.map(({ id }) => id) },
    { header: 'STACK', cells: runs.map(({ stack }) => stack), drop: 2 },
    { header: 'PROFILE', cells: runs.map(({ profile }) => profile), drop: 1 },
    { header: 'RATE>', cells: runs.map((run) => rate(run.rate)) },
    { header: 'P99>', cells: runs.map(({ p99Ms }) => latency(p99Ms)) },
    { header: 'LOST>', cells: runs.map((run) => records(run.lost)) },
    {
      header: '',
      cells: runs.map(({ verdict, partial }) => `${verdict === 'none' ? '' : verdict}${partial ? ' (part)' : ''}`),
    },
  ]);
  return [list, ...(lost.length > 0 ? ['', ...lost] : [])].join('\n');
}
