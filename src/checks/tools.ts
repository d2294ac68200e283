import { LambdaError, preflightError } from '../core/errors.ts';
import { findTool } from '../system/host.ts';
import { findExecutable } from '../system/paths.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

/** What has to be on the machine already: Python for ClickHouse, dbt and Airflow, git for DAGs. Java comes as an artifact. */
export const tools: MachineCheck = {
  name: 'tools',
  area: 'host',
  title: 'Node, Python, git',
  needs: [],
  preflight: true,
  async run(context) {
    const path = context.environment.PATH ?? '';
    const wantsGit = context.chosen.some(({ name }) => name === 'airflow');
    const [python, git] = await Promise.all([
      context.python().catch((error: unknown) => {
        if (error instanceof LambdaError) return error;
        throw error;
      }),
      findExecutable('git', path) === null ? null : findTool('git'),
    ]);
    const found = [
      `Node ${process.versions.node}`,
      ...(python instanceof LambdaError ? [] : [`Python ${python.version} (${python.executable})`]),
      ...(git === null ? [] : [`git ${git.version ?? 'of unknown version'}`]),
    ];
    return {
      detail: found.join(', '),
      findings: [
        ...(python instanceof LambdaError ? [pythonMissing(python)] : []),
        ...(git === null && wantsGit ? [withoutGit()] : []),
      ],
    };
  },
};

function pythonMissing(error: LambdaError): Finding {
  return {
    severity: 'error',
    what: error.message,
    why: `ClickHouse, dbt and Airflow run in it. ${error.actions[0] ?? ''}`.trim(),
    fix: null,
    refusal: error,
  };
}

/** What refuses everything that needs git where there is none. */
export const gitMissing = (): LambdaError =>
  preflightError('git was not found on PATH; Airflow gets its DAGs through it.', {
    code: 'GIT_MISSING',
    actions: ['Install git from your system’s packages.', 'Or leave Airflow out: lambdactl up --without airflow'],
  });

function withoutGit(): Finding {
  return {
    severity: 'error',
    what: 'git was not found on PATH',
    why: 'Airflow gets its DAGs through it: install it from your system’s packages, or `lambdactl up --without airflow`.',
    fix: null,
    refusal: gitMissing(),
  };
}
