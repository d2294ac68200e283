import { join } from 'node:path';
import { openRead } from '../system/files.ts';
import type { StackPaths } from './paths.ts';

const lineBytes = 2_048;

/** The newest lines of an instance's log, without the supervisor's time stamp; empty where there is no log. */
export async function lastLines(
  { logDir }: Pick<StackPaths, 'logDir'>,
  instance: string,
  count: number,
): Promise<string[]> {
  const file = await openRead(join(logDir, `${instance}.log`));
  if (file === null) return [];
  try {
    const size = await file.size();
    const length = Math.min(size, count * lineBytes);
    const text = (await file.read(size - length, length)).toString('utf8');
    // The first line is cut unless the file begins with it.
    const lines = text.split('\n').slice(length < size ? 1 : 0);
    return lines
      .filter((line) => line !== '')
      .slice(-count)
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z [OES] ?/, ''));
  } finally {
    await file.close();
  }
}
