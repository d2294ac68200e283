import { preflightError } from '../core/errors.ts';
import { exec, findOnPath } from '../system/exec.ts';

const oldest = 11;

/**
 * Absolute path of a Python >= 3.11: `preferred`, else LAMBDACTL_PYTHON, else the first fitting one on PATH.
 * A named one that does not fit is an error, not a reason to take another.
 * @throws preflight error PYTHON_MISSING
 */
export async function findPython(preferred = process.env.LAMBDACTL_PYTHON): Promise<string> {
  const names = preferred ? [preferred] : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python'];
  const seen: string[] = [];
  for (const name of names) {
    const path = await findOnPath(name);
    if (path === undefined) continue;
    // sys.executable is the interpreter itself where `path` is a shim that depends on the directory it is called in.
    const asked = await exec(path, [
      '-c',
      'import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)',
    ]);
    const [, major, minor, executable] = /^(\d+) (\d+) (.*)$/.exec(asked.stdout.trim()) ?? [];
    if (Number(major) === 3 && Number(minor) >= oldest) return executable || path;
    seen.push(major === undefined ? `${path} (does not run)` : `${path} (${major}.${minor})`);
  }
  throw preflightError(
    `Python 3.${oldest} or newer is needed${seen.length > 0 ? `; found only ${seen.join(', ')}` : ' and none was found on PATH'}.`,
    {
      code: 'PYTHON_MISSING',
      actions: [`Install Python 3.${oldest} or newer with pip, or name one in LAMBDACTL_PYTHON.`],
      details: { seen },
    },
  );
}
