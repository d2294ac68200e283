import type { ServiceStatus } from '../core/service-spec.ts';
import { lastLines } from '../state/log-tail.ts';
import type { StackPaths } from '../state/paths.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

/** Crashes of a service since the supervisor started it, from which on they are no accident. */
const manyRestarts = 3;
const shownLines = 3;

/** What the supervisor knows: who was given up, is down while others run, or keeps crashing, with the last words. */
export const services: MachineCheck = {
  name: 'services',
  area: 'components',
  title: 'services running, restarts',
  needs: [],
  async run({ services: known, wanted, supervisor, paths }) {
    if (supervisor === null) return { detail: 'the stack is down', findings: [] };
    const up = upCommand({ paths, wanted });
    const counted = known.filter(({ component }) => wanted.some((name) => name === component));
    const findings = await Promise.all(counted.map((service) => troubleOf(service, paths, up)));
    const restarts = counted.reduce((sum, each) => sum + each.restarts, 0);
    const running = counted.filter(({ pid }) => pid !== null).length;
    const absent = wanted.filter((name) => !known.some(({ component }) => component === name));
    return {
      detail: `${running} of ${counted.length} run, ${restarts} restarts`,
      findings: [...findings.flat(), ...absent.map((name) => notStarted(name, up))],
    };
  },
};

function notStarted(name: string, up: string): Finding {
  return {
    severity: 'error',
    what: `${name} was never started, although the last \`up\` wanted it`,
    why: 'What depends on it does not work.',
    fix: { command: up, safe: true },
  };
}

async function troubleOf(service: ServiceStatus, paths: StackPaths, up: string): Promise<Finding[]> {
  const { name, state, detail, restarts } = service;
  if (state === 'stopped' || state === 'pending') {
    const what = `${name} is ${state} while the stack is up`;
    return [{ severity: 'error', what, why: 'What depends on it does not work.', fix: { command: up, safe: true } }];
  }
  const looping = state === 'failed' || state === 'backoff' || restarts >= manyRestarts;
  if (!looping) return [];
  const words = await lastLines(paths, name, shownLines);
  const said = words.length === 0 ? detail.split('\n')[0] : words.join('\n');
  const crashed = `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`;
  return [
    {
      severity: state === 'healthy' ? 'warning' : 'error',
      what: `${name} is ${state} after ${crashed}; its last words:\n${said}`,
      why:
        state === 'failed'
          ? 'The supervisor gave it up; `up` tries again.'
          : 'It crashes again and again: data waits before it, and the reason is in its log.',
      fix:
        state === 'failed'
          ? { command: up, safe: true }
          : { command: commandFor({ paths }, `logs ${name}`), safe: false },
    },
  ];
}
