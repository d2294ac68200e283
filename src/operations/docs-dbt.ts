import { dbtJob, dbtTargetDir } from '../components/warehouse/dbt-job.ts';
import { externalError, messageOf, usageError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { readIfExists, writeAtomic } from '../system/files.ts';
import { type PageServer, servePage } from '../system/page-server.ts';
import { requireEmbedded } from './cluster-stack.ts';
import { openDbtStack, runDbtOn } from './dbt.ts';
import type { StackRef } from './stack.ts';

export interface DocsDbtRequest extends StackRef {
  /** Where the page is written; the job's cache directory when absent. */
  output?: string;
}

export interface DocsDbtReport {
  /** One HTML file that needs nothing else. */
  file: string;
  bytes: number;
  models: number;
  elapsedMs: number;
}

/**
 * Models, columns, tests and lineage of the dbt project as one page, with what the warehouse knows of the tables.
 * @throws LambdaError NOT_UP, DBT_FAILED
 */
export async function docsDbt({ output, ...ref }: DocsDbtRequest, context: OperationContext): Promise<DocsDbtReport> {
  const stack = await openDbtStack(ref);
  requireEmbedded(stack, 'docs dbt', ['Models and tests run as ever: lambdactl dbt build']);
  const { elapsedMs, ok, nodes } = await runDbtOn(stack, { args: ['docs', 'generate', '--static'] }, context);
  const made = `${stack.paths.dir(dbtJob.name, 'cache')}/${dbtTargetDir}/static_index.html`;
  const page = await readIfExists(made);
  if (!ok || page === null) {
    throw externalError('dbt made no documentation.', {
      code: 'DBT_FAILED',
      actions: ['`lambdactl logs dbt` has its log.', '`lambdactl dbt compile` names the model that cannot be read.'],
    });
  }
  if (output !== undefined) await writeAtomic(output, page, { mode: 0o644 });
  const models = nodes.filter(({ kind }) => kind === 'model').length;
  return { file: output ?? made, bytes: Buffer.byteLength(page), models, elapsedMs };
}

/** Serves the page on loopback until it is closed. @param port 0 takes a free one @throws LambdaError BAD_PORT */
export async function serveDocs({ file }: DocsDbtReport, port: number): Promise<PageServer> {
  const page = (await readIfExists(file)) ?? '';
  return servePage(page, port).catch((error: unknown) => {
    throw usageError(`Nothing can be served on port ${port}: ${messageOf(error)}`, {
      code: 'BAD_PORT',
      actions: ['Leave --port out: a free one is taken.'],
    });
  });
}
