import { hasProcess, type ServiceStatus } from '../core/service-spec.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural } from './support.ts';

/** Who runs and does not answer; who does not run is for the check `services`. */
export const answers: Check = {
  name: 'answers',
  area: 'components',
  title: 'What runs answers by its own protocol',
  needs: [],
  async run(context) {
    const running = context.services.filter(hasProcess);
    const slowest = Math.max(0, ...running.map(({ lastProbe }) => lastProbe?.latencyMs ?? 0));
    return outcome(
      running.length === 0
        ? 'nothing runs'
        : `${plural(running.length, 'service')} healthy, the slowest answered in ${Math.round(slowest)} ms`,
      running.map((service) => answerFinding(context, service)),
    );
  },
};

function answerFinding(context: CheckContext, service: ServiceStatus): Finding | null {
  const { name, component, state, detail, lastProbe } = service;
  const refuses = lastProbe?.healthy === false;
  if (state === 'healthy' && !refuses) return null;
  const reason = (refuses ? lastProbe.detail : detail).split('\n')[0] ?? '';
  const told = reason === '' ? '' : `: ${reason}`;
  if (state === 'starting' || state === 'preparing' || state === 'pending') {
    return {
      severity: 'warning',
      what: `${name} is still starting${told}`,
      why: 'What needs it waits.',
      fix: { command: commandFor(context, `logs ${component}`), safe: false },
    };
  }
  if (state === 'stopping' || state === 'backoff') return null;
  return {
    severity: 'error',
    what: `${name} runs and does not answer${told}`,
    why: 'What needs it waits or fails; nothing that was accepted is lost. It is restarted when this lasts.',
    fix: { command: commandFor(context, `restart ${component}`), safe: true },
  };
}
