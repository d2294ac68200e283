import { preflightError } from '../core/errors.ts';
import { exec, findOnPath } from '../system/exec.ts';

const oldest = 11;
/** Newest version that every locked package has been seen to run on; a newer Python is taken only where there is no other. */
const newest = 13;

export interface Python {
  /** Absolute path. */
  executable: string;
  /** "3.12": packages with compiled parts are made for exactly one. */
  version: string;
}

/** Absolute path of `lookUpPython`'s choice. @throws preflight error PYTHON_MISSING */
export async function findPython(preferred = process.env.LAMBDACTL_PYTHON): Promise<string> {
  return (await lookUpPython(preferred)).executable;
}

/** What was found once holds for this process: asking an interpreter behind a version manager's shim takes 0.1 s. */
const known = new Map<string, Promise<Python>>();

/**
 * A Python >= 3.11: `preferred`, else LAMBDACTL_PYTHON, else the first on PATH that is not newer than what the packages are
 * locked for, else a newer one. A named one that does not fit is an error, not a reason to take another.
 * @throws preflight error PYTHON_MISSING
 */
export async function lookUpPython(preferred = process.env.LAMBDACTL_PYTHON): Promise<Python> {
  const key = JSON.stringify([preferred, process.env.PATH]);
  const found = known.get(key) ?? search(preferred);
  // Kept while it is still asked: several callers at once start one interpreter, not one each.
  known.set(key, found);
  return found.catch((error: unknown) => {
    known.delete(key);
    throw error;
  });
}

async function search(preferred: string | undefined): Promise<Python> {
  const names = preferred ? [preferred] : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python'];
  const seen: string[] = [];
  let newer: Python | undefined;
  for (const name of names) {
    const path = await findOnPath(name);
    if (path === undefined) continue;
    // sys.executable is the interpreter itself where `path` is a shim that depends on the directory it is called in.
    const asked = await exec(path, [
      '-c',
      'import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)',
    ]);
    const [, major, minor, executable] = /^(\d+) (\d+) (.*)$/.exec(asked.stdout.trim()) ?? [];
    if (Number(major) === 3 && Number(minor) >= oldest) {
      const fitting = { executable: executable || path, version: `3.${minor}` };
      if (Number(minor) <= newest || preferred) return fitting;
      newer ??= fitting;
    } else seen.push(major === undefined ? `${path} (does not run)` : `${path} (${major}.${minor})`);
  }
  if (newer !== undefined) return newer;
  throw preflightError(
    `Python 3.${oldest} or newer is needed${seen.length > 0 ? `; found only ${seen.join(', ')}` : ' and none was found on PATH'}.`,
    {
      code: 'PYTHON_MISSING',
      actions: [`Install Python 3.${oldest} or newer with pip, or name one in LAMBDACTL_PYTHON.`],
      details: { seen },
    },
  );
}
