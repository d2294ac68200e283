import type { ServiceStatus } from '../core/service-spec.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { commandFor, outcome, plural, some } from './support.ts';

export const components: Check = {
  name: 'components',
  area: 'components',
  title: 'Every component runs and answers by its own protocol',
  needs: [],
  async run(context) {
    const { services, wanted } = context;
    if (wanted.length === 0) return outcome('the stack was never up');
    // What was taken down on purpose is no defect; a stack that is partly up is.
    if (services.every(({ pid }) => pid === null)) return outcome('the stack is down');
    const known = new Set(services.map(({ component }) => component));
    const absent = wanted.filter((name) => !known.has(name));
    const slow = services.map(({ lastProbe }) => lastProbe?.latencyMs ?? 0);
    return outcome(
      `${plural(services.length, 'service')} healthy, the slowest answers in ${Math.round(Math.max(0, ...slow))} ms`,
      [
        absent.length === 0 ? null : notRunning(context, absent),
        ...services.map((service) => serviceFinding(context, service)),
      ],
    );
  },
};

const notRunning = (context: CheckContext, names: readonly string[]): Finding => ({
  severity: 'error',
  what: `Not running: ${some(names)}`,
  why: 'The last `up` wanted it, and what needs it waits.',
  fix: { command: upAgain(context), safe: true },
});

/** What the last `up` wanted, and nothing more. */
const upAgain = (context: CheckContext): string =>
  commandFor(context, ['up', ...context.wanted.map((name) => `--only ${name}`)].join(' '));

function serviceFinding(context: CheckContext, service: ServiceStatus): Finding | null {
  const { name, component, state, detail, pid, lastProbe } = service;
  if (state === 'healthy' && pid !== null && lastProbe?.healthy !== false) return null;
  const reason = (lastProbe?.healthy === false ? lastProbe.detail : detail).split('\n')[0] ?? '';
  if (state === 'starting' || state === 'preparing' || state === 'pending') {
    return {
      severity: 'warning',
      what: `${name} is still starting${reason === '' ? '' : `: ${reason}`}`,
      why: 'What needs it waits.',
      fix: { command: commandFor(context, `logs ${component}`), safe: false },
    };
  }
  const stopped = state === 'stopped' || state === 'stopping';
  return {
    severity: 'error',
    what: `${name} is ${stopped || state === 'failed' || state === 'backoff' ? state : 'not answering'}${reason === '' ? '' : `: ${reason}`}`,
    why: 'What needs it waits or fails; nothing that was accepted is lost.',
    fix: { command: stopped ? upAgain(context) : commandFor(context, `restart ${component}`), safe: true },
  };
}
