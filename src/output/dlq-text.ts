import type {
  DeadLetterReport,
  DlqListReport,
  DlqPurgeReport,
  DlqReplayReport,
  DlqShowReport,
  DlqTopicReport,
} from '../core/dlq-report.ts';
import { grouped } from './format.ts';
import { table } from './table.ts';

export function dlqListText({ topics, since }: DlqListReport): string {
  const filled = topics.filter(({ records }) => records > 0);
  if (filled.length === 0) return since === null ? 'No dead letters.' : `No dead letters since ${since}.`;
  return [
    ...filled.map(topicText),
    'Look at some: lambdactl dlq show TOPIC --reason CLASS · put them back: lambdactl dlq replay --dry-run',
  ].join('\n\n');
}

function topicText(topic: DlqTopicReport): string {
  const rows = topic.classes.map(({ errorClass, count, replayed, exhausted, example }) => [
    errorClass,
    grouped(count),
    replayed === 0 ? '' : grouped(replayed),
    exhausted === 0 ? '' : grouped(exhausted),
    `${example.partition}:${example.offset}`,
    example.text.length > 70 ? `${example.text.slice(0, 69)}…` : example.text,
  ]);
  const notes = [
    ...(topic.read < topic.records
      ? [`Classes are counted among the newest ${grouped(topic.read)} of them; more with --limit.`]
      : []),
    ...(topic.repeated > 0 ? [`${grouped(topic.repeated)} were written a second time by a repeated micro-batch.`] : []),
  ];
  return [
    `${topic.topic}: ${grouped(topic.records)} records, ${topic.oldest ?? '?'} – ${topic.newest ?? '?'}`,
    ...notes,
    table(
      ['  CLASS', 'RECORDS>', 'REPLAYED>', 'GIVEN UP>', 'EXAMPLE', 'REASON'],
      rows.map(([first, ...rest]) => [`  ${first}`, ...rest]),
    ),
  ].join('\n');
}

export function dlqShowText({ letters, scanned, more }: DlqShowReport): string {
  if (letters.length === 0) return `None fits among the ${grouped(scanned)} dead letters looked at.`;
  return [...letters.map(letterText), ...(more ? ['There are more: --limit, --since, --reason.'] : [])].join('\n\n');
}

function letterText(letter: DeadLetterReport): string {
  const { source, value, first } = letter;
  const lines = [
    `${letter.topic} ${letter.partition}:${letter.offset}  ${letter.time}  attempt ${letter.attempt}${letter.replayed ? ', replayed' : ''}`,
    `  ${letter.errorClass}: ${letter.errorText}`,
    ...(first === null ? [] : [`  first refused ${first.time} for ${first.errorClass}: ${first.errorText}`]),
    `  from ${source.topic} ${source.partition ?? '?'}:${source.offset ?? '?'}, key ${letter.key ?? 'none'}`,
    ...Object.entries(letter.headers).map(([name, text]) => `  header ${name}: ${text}`),
    ...valueText(value)
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  return lines.join('\n');
}

function valueText({ kind, text, truncated, bytes }: DeadLetterReport['value']): string {
  const end = truncated ? `… (${grouped(bytes)} bytes in all)` : '';
  if (kind === 'none') return 'no value';
  if (kind === 'binary') return `binary: ${text}${end}`;
  return `${kind === 'json' && !truncated ? JSON.stringify(JSON.parse(text), null, 2) : text}${end}`;
}

export function dlqReplayText(report: DlqReplayReport): string {
  const { skipped, recovered } = report;
  const verb = report.dryRun ? 'would be put back' : 'put back';
  const lines = [
    ...report.topics.map(({ topic, source, replayed }) => `${grouped(replayed)} of ${topic} ${verb} on ${source}.`),
    ...(report.topics.length === 0 ? [`Nothing ${verb}.`] : []),
    ...(recovered.found + recovered.free > 0
      ? [
          `An earlier replay was cut off: ${grouped(recovered.found)} of its records had arrived, ${grouped(recovered.free)} had not.`,
        ]
      : []),
    ...note(skipped.already, 'were put back before'),
    ...note(skipped.repeated, 'were written twice by a repeated micro-batch'),
    ...note(
      skipped.exhausted,
      `were refused ${report.attemptLimit} times and are given up; --force tries all the same`,
    ),
    ...note(skipped.unpatchable, 'hold no JSON object that --set could change'),
    ...note(skipped.unknownOrigin, 'do not say where they came from'),
  ];
  return lines.join('\n');
}

const note = (count: number, what: string): string[] => (count === 0 ? [] : [`  ${grouped(count)} ${what}.`]);

export function dlqPurgeText({ deleted, topics }: DlqPurgeReport): string {
  if (deleted === 0) return 'Nothing to delete.';
  return topics
    .filter((each) => each.deleted > 0)
    .map(({ topic, deleted: gone, left, replayedLeft }) => {
      const stay =
        replayedLeft === null || replayedLeft === 0
          ? ''
          : ` (${grouped(replayedLeft)} replayed ones are newer than one that was not)`;
      return `${topic}: ${grouped(gone)} deleted, ${grouped(left)} left${stay}.`;
    })
    .join('\n');
}
