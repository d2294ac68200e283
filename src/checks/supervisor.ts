import { isAlive } from '../system/process.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Finding } from './contract.ts';
import { type MachineCheck, type MachineContext, valueIn } from './machine.ts';

/** The process that starts, watches and restarts everything runs, answers, and is of this version. */
export const supervisor: MachineCheck = {
  name: 'supervisor',
  area: 'components',
  title: 'the process that watches the components',
  needs: [],
  async run(context) {
    const { supervisor: present, version, paths } = context;
    if (present === null) {
      const findings = died(context);
      return { detail: findings.length === 0 ? 'the stack is down' : 'it died', findings };
    }
    const detail = `pid ${present.pid}, lambdactl ${present.version}`;
    if (!present.answers) return { detail, findings: [silent(present.pid, context)] };
    if (present.version === version) return { detail, findings: [] };
    return {
      detail,
      findings: [
        {
          severity: 'warning',
          what: `the supervisor is of lambdactl ${present.version}, this is ${version}`,
          why: 'It goes on as it is; what was mended or added since is not in it.',
          fix: { command: commandFor({ paths }, 'down'), safe: false },
        },
      ],
    };
  },
};

function silent(pid: number, { paths }: MachineContext): Finding {
  return {
    severity: 'error',
    what: `the supervisor (pid ${pid}) runs and does not answer`,
    why: 'Nothing is started, stopped or restarted until it does; `down` ends it by force, data is kept.',
    fix: { command: commandFor({ paths }, 'down'), safe: false },
  };
}

/** It ended without having said so: killed, out of memory, or with the machine. */
function died(context: MachineContext): Finding[] {
  const record = valueIn(context.files.observed);
  if (record?.supervisor == null) return [];
  const left = record.services.flatMap(({ processes }) => processes).filter(isAlive);
  const behind =
    left.length === 0 ? 'nothing it started runs any more' : `${left.length} processes it started still run`;
  return [
    {
      severity: 'error',
      what: `the supervisor (pid ${record.supervisor.pid}, since ${record.supervisor.startedAt}) died, and ${behind}`,
      why: 'What crashes now stays down. `up` ends what is left and starts everything again; data is kept.',
      fix: { command: upCommand(context), safe: true },
    },
  ];
}
