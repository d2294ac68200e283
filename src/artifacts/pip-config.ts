import { z } from 'zod';
import { exec } from '../system/exec.ts';

/** What makes uv fetch as pip would. */
export interface UvSettings {
  /** Added to the environment. */
  env: Record<string, string>;
  /** Options that have no variable. */
  options: string[];
}

/**
 * pip's own configuration (files and PIP_* variables, of the command install) for uv; nothing where there is no pip. What the
 * user has set in `own`, the present environment, stays.
 */
export async function uvSettings(
  python: string,
  signal: AbortSignal,
  own: NodeJS.ProcessEnv = process.env,
): Promise<UvSettings> {
  // The form of `pip config list` is meant for people: repr() of each value. Python reads it back.
  const program = `import ast, json, subprocess, sys
out = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
pairs = (line.partition("=") for line in out.splitlines() if "=" in line)
print(json.dumps({key: str(ast.literal_eval(value)) for key, _, value in pairs}))`;
  const asked = await exec(python, ['-c', program], { signal });
  const settings = parseSettings(asked.stdout);
  const env = translate((name) => settingOf(settings, name));
  return {
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !own[name])),
    options: /^(1|true|yes|on)$/i.test(settingOf(settings, 'no-index')) ? ['--no-index'] : [],
  };
}

function parseSettings(text: string): Record<string, string> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** pip's order: environment, then the section of the command, then global. */
function settingOf(settings: Record<string, string>, name: string): string {
  return settings[`:env:.${name}`] || settings[`install.${name}`] || settings[`global.${name}`] || '';
}

/** Pure: pip's option names (without dashes) to uv's variables. */
function translate(value: (name: string) => string): Record<string, string> {
  const all = (name: string) =>
    value(name)
      .split(/[\s,]+/)
      .filter(Boolean);
  const proxy = value('proxy');
  const entries: [string, string][] = [
    ['UV_DEFAULT_INDEX', value('index-url')],
    ['UV_INDEX', all('extra-index-url').join(' ')],
    ['UV_FIND_LINKS', all('find-links').join(',')],
    ['UV_INSECURE_HOST', all('trusted-host').join(' ')],
    ['SSL_CERT_FILE', value('cert')],
    ['SSL_CLIENT_CERT', value('client-cert')],
    ['HTTPS_PROXY', proxy],
    ['HTTP_PROXY', proxy],
    ['UV_HTTP_TIMEOUT', value('timeout') || value('default-timeout')],
    // As pip does since 24.2: a company's own authority is known to the system, not to what uv brings along.
    ['UV_SYSTEM_CERTS', value('cert') === '' ? '1' : ''],
  ];
  return Object.fromEntries(entries.filter(([, text]) => text !== ''));
}
