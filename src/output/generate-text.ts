import { duration, grouped } from './format.ts';

/** The figures of a generator run that its summary shows. */
export interface GenerateFigures {
  sent: number;
  valid: number;
  bad: Readonly<Record<string, number>>;
  duplicates: number;
  transactions: number;
  achievedRate: number;
  lateMsMax: number;
  cpuSeconds: number;
  elapsedMs: number;
  seed: number;
  startTime: string;
  aborted: boolean;
}

export function generateText(run: GenerateFigures): string {
  const bad = Object.entries(run.bad).filter(([, count]) => count > 0);
  const perMillion = run.sent === 0 ? 0 : (run.cpuSeconds / run.sent) * 1e6;
  return [
    `Sent ${grouped(run.sent)} events and ${grouped(run.transactions)} transactions in ${duration(run.elapsedMs)}: ${grouped(Math.round(run.achievedRate))} events/s, ${perMillion.toFixed(1)} CPU-seconds per million.`,
    ...(bad.length > 0 || run.duplicates > 0
      ? [
          `Of these ${grouped(run.valid)} valid, ${grouped(run.duplicates)} re-sent, bad: ${bad.map(([kind, count]) => `${kind} ${grouped(count)}`).join(', ') || 'none'}.`,
        ]
      : []),
    ...(run.lateMsMax > 1000 ? [`The machine did not keep up: up to ${duration(run.lateMsMax)} behind schedule.`] : []),
    ...(run.aborted ? ['Stopped before its end.'] : []),
    `Repeat it: --seed ${run.seed} --start-time ${run.startTime}`,
  ].join('\n');
}
