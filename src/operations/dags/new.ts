import { isAbsolute, join, resolve } from 'node:path';
import { dagBundle } from '../../components/airflow/environment.ts';
import { usageError } from '../../core/errors.ts';
import { createExclusive, makeDirectory, readIfExists } from '../../system/files.ts';
import { projectRoot } from '../stack.ts';

/**
 * Writes a commented DAG to begin with.
 * @param to directory that holds dags/; the project's own when absent
 * @returns the file's path
 * @throws LambdaError BAD_DAG_NAME, DAG_EXISTS
 */
export async function newDag(name: string, to: string | undefined): Promise<{ dag: string; path: string }> {
  if (!/^[a-z][a-z0-9_]{0,60}$/.test(name)) {
    throw usageError(`"${name}" is no name for a DAG.`, {
      code: 'BAD_DAG_NAME',
      actions: ['Use lower-case letters, digits and underscores, a letter first: daily_report'],
    });
  }
  const given = to ?? join(projectRoot, 'dags-repo');
  const directory = join(isAbsolute(given) ? given : resolve(given), dagBundle.subdir);
  const path = join(directory, `${name}.py`);
  const template = await readIfExists(join(projectRoot, 'templates/airflow/new-dag.py'));
  if (template === null) throw new Error('templates/airflow/new-dag.py is missing');
  await makeDirectory(directory);
  if (!(await createExclusive(path, template.replaceAll('NEW_DAG', name)))) {
    throw usageError(`${path} exists already.`, { code: 'DAG_EXISTS', actions: ['Choose another name.'] });
  }
  return { dag: name, path };
}
