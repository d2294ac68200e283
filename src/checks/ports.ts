import { LambdaError } from '../core/errors.ts';
import { upCommand } from './commands.ts';
import type { MachineCheck } from './machine.ts';

/** Every port that `up` would take is free, or held by this stack. */
export const ports: MachineCheck = {
  name: 'ports',
  area: 'host',
  title: 'ports free, or held by this stack',
  needs: [],
  preflight: true,
  async run(context) {
    try {
      const planned = Object.values(await context.planPorts());
      const detail =
        planned.length === 0
          ? 'none needed'
          : `${planned.length} between ${Math.min(...planned)} and ${Math.max(...planned)} are free or ours`;
      return { detail, findings: [] };
    } catch (error) {
      const isAnswer = error instanceof LambdaError && ['PORT_BUSY', 'NO_FREE_PORT'].includes(error.code);
      if (!isAnswer) throw error;
      return {
        detail: error.message,
        findings: [
          {
            severity: 'error' as const,
            what: error.message,
            why: 'A component whose port is taken does not start.',
            fix: { command: `${upCommand(context)} --any-port`, safe: false },
            refusal: error,
          },
        ],
      };
    }
  },
};
