import { resolve } from 'node:path';
import { writeAtomic } from '../../system/files.ts';

/** Writes a report where the user wants it; readable by the user alone, as it may hold users' data. @throws LambdaError HOME_NOT_WRITABLE, DISK_FULL */
export async function writeReport(path: string, content: string): Promise<void> {
  await writeAtomic(resolve(path), content, { mode: 0o600 });
}
