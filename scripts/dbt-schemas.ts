import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dbtSchemaFiles } from '../src/operations/dbt-schemas.ts';

/** Writes what the dbt project knows of schemas/. `--check` only compares. Run by hand after schemas/ has changed. */

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
for (const [path, content] of Object.entries(await dbtSchemaFiles(join(root, 'schemas')))) {
  const present = await readFile(join(root, path), 'utf8').catch(() => '');
  if (present === content) continue;
  if (check) process.exitCode = 10;
  else await writeFile(join(root, path), content);
  console.log(`${check ? 'differs' : 'written'}: ${path}`);
}
