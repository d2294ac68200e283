import type { BenchReport } from '../core/bench-report.ts';
import { benchVerdict, bytes, cpu, latency, percentOf, rate, records, requestText } from './bench-format.ts';
import {
  environmentTable,
  findMaxTable,
  latencyTable,
  ledgerTables,
  queriesTable,
  referenceTable,
  resourcesTable,
  seriesTable,
  stepsTable,
  thresholdsTable,
} from './bench-html-tables.ts';
import { type Plot, plotsOf } from './bench-plots.ts';
import { duration } from './format.ts';
import { escaped, figure, htmlPage } from './html-parts.ts';
import { benchStyle } from './html-style.ts';

/** Texts that the page carries in itself, so that it loads nothing. */
export interface PlotLibrary {
  /** uPlot's script and style. */
  script: string;
  style: string;
  /** templates/bench/plots.js. */
  drawing: string;
}

/** A report as one HTML file that loads nothing, made from the JSON alone. Every figure stands in its tables; the plots show them. */
export function benchHtml(report: BenchReport, library: PlotLibrary): string {
  const single = report.parts.length === 0;
  const shown = single ? [report] : report.parts;
  const sections = shown.map((part) => ({ part, plots: plotsOf(part) }));
  const plots = sections.flatMap((section) => section.plots);
  const body = `<header>
<h1>Bench ${escaped(report.scenario)}</h1>
${summary(report)}
${single ? '' : partLinks(report.parts)}
</header>
<main>
${sections.map((section) => (single ? content(section) : partSection(section))).join('\n')}
${notes(report)}
<section aria-labelledby="environment"><h2 id="environment">Machine and request</h2>
${environmentTable(report)}
</section>
</main>
<footer><p>Made by lambdactl ${escaped(report.environment.lambdactl)} from ${escaped(report.id)}.json. Latencies are from the time an event was due, so that a stall is not excused. CPU-seconds are of one core; memory is proportional set size.</p></footer>
${plots.length === 0 ? '' : scripts(plots, library)}`;
  return htmlPage({
    title: `Bench ${report.scenario}: ${benchVerdict(report)}`,
    body,
    style: `${plots.length === 0 ? '' : library.style}${benchStyle}`,
  });
}

/** JSON in a script element must not end it. */
const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

const scripts = (plots: readonly Plot[], library: PlotLibrary): string =>
  `<script type="application/json" id="plots">${inScript(plots)}</script>
<script>${library.script}</script>
<script>${library.drawing}</script>`;

const verdictClass = { pass: 'agree', fail: 'differ', none: 'not-ready' } as const;
const verdictTag = { pass: 'passed', fail: 'failed', none: 'not judged' } as const;

function summary(report: BenchReport): string {
  const { verdict, stack, profile, startedAt, elapsedMs, partial } = report;
  const asked = requestText(report);
  const facts = [
    ...(asked === '' ? [] : [asked]),
    `stack ${stack}`,
    `profile ${profile}`,
    startedAt,
    `took ${duration(elapsedMs)}`,
    ...(partial ? ['interrupted'] : []),
  ];
  return `<p class="verdict ${verdictClass[verdict]}">${escaped(benchVerdict(report))}</p>
<p class="facts">${facts.map(escaped).join(' · ')}</p>`;
}

const partLinks = (parts: readonly BenchReport[]): string =>
  `<nav aria-label="Scenarios"><ul class="parts">${parts
    .map(
      ({ scenario, verdict }) =>
        `<li><a href="#${scenario}">${scenario}</a> <span class="tag ${verdictClass[verdict]}">${verdictTag[verdict]}</span></li>`,
    )
    .join('')}</ul></nav>`;

interface Section {
  part: BenchReport;
  plots: readonly Plot[];
}

function partSection(section: Section): string {
  const { scenario } = section.part;
  return `<section class="part" id="${scenario}" aria-label="Scenario ${scenario}"><h2 class="scenario">${scenario}</h2>
${summary(section.part)}
${content(section)}
${notes(section.part)}
</section>`;
}

function content({ part, plots }: Section): string {
  return [
    cards(part),
    section('Thresholds', thresholdsTable(part)),
    plots.length === 0 ? '' : `<div class="plots">${plots.map(plotFigure).join('\n')}</div>`,
    section('Search for the highest rate', findMaxTable(part)),
    section('For comparison, on the same broker in the same run', referenceTable(part)),
    section('Steps', stepsTable(part)),
    section('Latency', latencyTable(part)),
    section('Queries', queriesTable(part)),
    section('Ledger', ledgerTables(part)),
    section('CPU and memory', resourcesTable(part)),
    seriesTable(part),
  ]
    .filter((each) => each !== '')
    .join('\n');
}

const section = (title: string, html: string): string =>
  html === '' ? '' : `<section><h3>${escaped(title)}</h3>\n${html}</section>`;

function plotFigure({ id, title, series, unit }: Plot): string {
  const label = `${title} (${unit}): ${series.map((each) => each.label).join(', ')}. The tables below hold the figures.`;
  return `<figure><figcaption>${escaped(title)}</figcaption><div class="plot" id="${id}" role="img" aria-label="${escaped(label)}"></div></figure>`;
}

/** The figures that are asked for first. */
function cards({ throughput, latencyMs, ledger, resources }: BenchReport): string {
  const shown: [string, string][] = [];
  if (throughput !== null) {
    const { offered, achieved, visible, records: sent, bytes: size, lateMsMax } = throughput;
    shown.push(
      ['offered', figure(offered, rate(offered))],
      ['achieved', figure(achieved, rate(achieved))],
      ['visible', figure(visible, rate(visible))],
      ['records', `${figure(sent, records(sent))} <small>${figure(size, bytes(size))}</small>`],
      ['behind schedule, at most', figure(lateMsMax, latency(lateMsMax))],
    );
  }
  if (latencyMs !== null) {
    shown.push(
      ['latency p95', figure(latencyMs.p95, latency(latencyMs.p95))],
      ['latency p99', figure(latencyMs.p99, latency(latencyMs.p99))],
    );
  }
  if (ledger !== null) {
    const { lost, doubled, alien, altered } = ledger;
    const counts = [lost, doubled, alien, altered].map((count) => figure(count, records(count)));
    const bad = lost + doubled + alien + altered > 0 ? 'differ' : 'agree';
    shown.push(['lost / doubled / alien / altered', `<span class="${bad}">${counts.join(' / ')}</span>`]);
  }
  if (resources !== null) {
    const { cpuSecondsPerMillion, peakPssBytes, benchCpuPercent } = resources;
    shown.push(
      ['CPU-seconds a million', figure(cpuSecondsPerMillion, cpu(cpuSecondsPerMillion))],
      ['memory, at most', figure(peakPssBytes, bytes(peakPssBytes))],
      ['CPU of the bench itself', figure(benchCpuPercent, percentOf(benchCpuPercent))],
    );
  }
  if (shown.length === 0) return '';
  return `<dl class="cards">${shown.map(([name, html]) => `<div><dt>${escaped(name)}</dt><dd>${html}</dd></div>`).join('')}</dl>`;
}

const notes = ({ notes: texts }: BenchReport): string =>
  texts.length === 0
    ? ''
    : `<section><h3>Notes</h3><ul>${texts.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul></section>`;
