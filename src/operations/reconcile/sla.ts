import { messageOf } from '../../core/errors.ts';
import type { DateReport, SlaReport } from '../../core/reconcile-report.ts';
import { requestJson } from '../../probes/http.ts';
import { nextDate } from '../batch/date.ts';
import { consistencyOf } from './history.ts';

const hourMs = 3_600_000;

/** Whether a differing date is overdue. A date without a batch is the batch's own deadline, not this one. */
export function slaOf(date: string, verdict: DateReport['verdict'], slaHours: number, now: number): SlaReport {
  const due = Date.parse(`${nextDate(date)}T00:00:00Z`) + slaHours * hourMs;
  return { dueAt: new Date(due).toISOString(), breached: verdict === 'differ' && now >= due, alert: null };
}

/** Posts the alert of an overdue date; a webhook that does not answer is told in the report and stops nothing. */
export async function raiseAlert(report: DateReport, stack: string, webhook: string | undefined): Promise<DateReport> {
  if (!report.sla.breached || webhook === undefined) return report;
  const alert = await post(webhook, {
    alert: 'ReconcileSlaBreach',
    severity: 'critical',
    stack,
    date: report.date,
    dueAt: report.sla.dueAt,
    consistencyPercent: consistencyOf(report),
    entities: report.entities.map(({ entity, verdict, consistencyPercent, rows }) => ({
      entity,
      verdict,
      consistencyPercent,
      rows,
    })),
    summary: `${report.date}: speed and batch layer still differ (stack ${stack})`,
  });
  return { ...report, sla: { ...report.sla, alert } };
}

async function post(webhook: string, body: unknown): Promise<NonNullable<SlaReport['alert']>> {
  try {
    // An alert that comes twice, with the same stack and date, does less harm than one that never comes.
    const { status } = await requestJson('The webhook', 'POST', webhook, body, true);
    return { sent: status < 300, detail: `the webhook answered ${status}` };
  } catch (error) {
    return { sent: false, detail: messageOf(error) };
  }
}
