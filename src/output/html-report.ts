import type { DateReport, EntityReport, ReconcileReport, RowDifference } from '../core/reconcile-report.ts';
import { duration, grouped } from './format.ts';
import { escaped, htmlPage, stackedTable } from './html-parts.ts';
import { kindText, percent, verdictText } from './reconcile-text.ts';

/** The report as one HTML file that loads nothing: made from the JSON alone, so that a kept result can be shown again. */
export function reconcileHtml(report: ReconcileReport): string {
  const title = `Reconcile ${report.dates[0]?.date ?? ''}${report.dates.length > 1 ? ` to ${report.dates.at(-1)?.date}` : ''}`;
  return htmlPage({
    title: `${title}: ${verdictText(report)}`,
    body: `<header>
<h1>${escaped(title)}</h1>
<p class="verdict ${report.verdict}">${escaped(verdictText(report))}</p>
<p class="facts">Stack ${escaped(report.stack)} · ${escaped(report.startedAt)} · took ${duration(report.elapsedMs)} · asked for at least ${report.thresholdPercent} %</p>
</header>
<main>
${report.dates.map(dateSection).join('\n')}
${repairSection(report)}
</main>
<footer><p>Missing: in the speed layer, not in the batch layer. Extra: the other way round. Late rows came after the batch had looked and count as neither.</p></footer>`,
  });
}

function dateSection(date: DateReport): string {
  const { watermarks, sla } = date;
  const notes = [
    ...date.notReady.map(({ layer, reason, actions }) => `${layer} layer: ${reason} ${actions.join(', ')}`),
    `Batch ${watermarks.batch.batchId ?? '–'} holds ${watermarks.batch.detail}. Speed layer: ${watermarks.speed.detail}.`,
    ...(sla.breached
      ? [`SLA: this date should have agreed since ${sla.dueAt}${sla.alert === null ? '' : `; ${sla.alert.detail}`}.`]
      : []),
  ];
  return `<section>
<h2>${escaped(date.date)} <span class="tag ${date.verdict}">${verdictTag(date.verdict)}</span>${sla.breached ? ' <span class="tag differ">SLA breached</span>' : ''}</h2>
${notes.map((note) => `<p class="facts">${escaped(note)}</p>`).join('\n')}
${date.entities.length === 0 ? '' : entityTable(date.entities)}
${date.entities.map(entityDetails).join('\n')}
</section>`;
}

const verdictTag = (verdict: DateReport['verdict']): string =>
  ({ agree: 'agrees', differ: 'differs', 'not-ready': 'not ready' })[verdict];

function entityTable(entities: readonly EntityReport[]): string {
  const counts: Record<string, (rows: EntityReport['rows']) => number> = {
    Speed: ({ speed }) => speed,
    Batch: ({ batch }) => batch,
    Missing: ({ missing }) => missing,
    Extra: ({ extra }) => extra,
    Different: ({ different }) => different,
    Late: ({ late }) => late,
  };
  return stackedTable<EntityReport>(
    [
      { name: 'Entity', cell: ({ entity }) => escaped(entity) },
      { name: 'Verdict', cell: ({ verdict }) => `<span class="tag ${verdict}">${verdictTag(verdict)}</span>` },
      { name: 'Consistent', number: true, cell: ({ consistencyPercent }) => percent(consistencyPercent) },
      ...Object.entries(counts).map(([name, count]) => ({
        name,
        number: true,
        cell: ({ rows }: EntityReport) => grouped(count(rows)),
      })),
    ],
    entities,
  );
}

function entityDetails(entity: EntityReport): string {
  const { differences, notNamed, sums, columns, segments, elapsedMs } = entity;
  const unequal = sums.filter(({ speed, batch }) => speed !== batch);
  const facts = [
    `${grouped(segments.compared)} segments compared, ${grouped(segments.differing)} differing; verdict in ${duration(elapsedMs.verdict)}, rows in ${duration(elapsedMs.rows)}.`,
    `Compared columns: ${columns.compared.join(', ')}.`,
    ...columns.excluded.map(({ column, reason }) => `Not compared: ${column}, ${reason}.`),
    ...unequal.map(({ column, speed, batch }) => `Sum of ${column}: ${speed} (speed), ${batch} (batch).`),
  ];
  const rest = notNamed > 0 ? `<p class="facts">… and ${grouped(notNamed)} more.</p>` : '';
  const rows =
    differences.length === 0
      ? ''
      : `<div class="scroll" tabindex="0" role="region" aria-label="Differing rows of ${escaped(entity.entity)}"><table class="rows"><thead><tr><th scope="col">Id</th><th scope="col">What</th><th scope="col">Column</th><th scope="col">Speed layer</th><th scope="col">Batch layer</th></tr></thead><tbody>${differences.map(differenceRows).join('')}</tbody></table></div>${rest}`;
  return `<details${differences.length > 0 ? ' open' : ''}><summary>${escaped(entity.entity)}: ${differences.length === 0 ? 'no differing rows' : `${grouped(differences.length)} differing rows named`}</summary>
${facts.map((fact) => `<p class="facts">${escaped(fact)}</p>`).join('\n')}
${rows}
</details>`;
}

function differenceRows({ id, kind, columns, copies }: RowDifference): string {
  // Of a row that only one side has, its values are noise: the id says it.
  const shown = kind === 'different' ? columns : [];
  const what = kind === 'duplicate' ? `${kindText[kind]} (${copies.speed}, ${copies.batch})` : kindText[kind];
  const span = Math.max(1, shown.length);
  const first = `<th scope="rowgroup" rowspan="${span}"><code>${escaped(id)}</code></th><td rowspan="${span}">${escaped(what)}</td>`;
  if (shown.length === 0) return `<tr>${first}<td colspan="3"></td></tr>`;
  return shown
    .map(
      ({ column, speed, batch }, at) =>
        `<tr>${at === 0 ? first : ''}<td>${escaped(column)}</td><td>${value(speed)}</td><td>${value(batch)}</td></tr>`,
    )
    .join('');
}

const value = (text: string | null): string =>
  text === null ? '<em>NULL</em>' : `<code>${escaped(text === '' ? '""' : text)}</code>`;

function repairSection({ repair }: ReconcileReport): string {
  if (repair === null) return '';
  const items = [
    ...repair.dates.map(
      ({ date, before, after, detail }) =>
        `${date}: ${grouped(before)} differing rows before, ${grouped(after)} after; ${detail}.`,
    ),
    ...repair.advice,
  ];
  return `<section><h2>Repair</h2><ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul></section>`;
}
