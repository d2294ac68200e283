/**
 * What of a rendered plan is secret. It is found out, not declared: everything is rendered a second time with other credentials, and what
 * then differs holds one or was made of one (a key derived from it, a hash). So nothing secret can get into an object that is not a Secret.
 */
import type { CommandSpec, RenderedFile } from '../../core/service-spec.ts';
import type { Credentials } from '../../state/secrets.ts';

/** The same credentials by name, all with other secrets; who a cloud account belongs to is nobody's business either. */
export function otherCredentials(credentials: Credentials): Credentials {
  return Object.fromEntries(
    Object.entries(credentials).map(([id, { user }]) => [
      id,
      { user: id.startsWith('account.') ? `another-${user}` : user, secret: `another-secret-of-${id}` },
    ]),
  );
}

export interface Parted<T> {
  open: readonly T[];
  secret: readonly T[];
}

/** Files by whether they hold a secret, or are marked as such. @param others the same files, rendered with other credentials */
export function partFiles(files: readonly RenderedFile[], others: readonly RenderedFile[]): Parted<RenderedFile> {
  const isSecret = (file: RenderedFile): boolean =>
    (file.mode & 0o044) === 0 || others.find(({ path }) => path === file.path)?.content !== file.content;
  return { open: files.filter((file) => !isSecret(file)), secret: files.filter(isSecret) };
}

export interface PartedCommand {
  executable: string;
  /** As Kubernetes wants them; what was secret is named "$(VARIABLE)". */
  args: readonly string[];
  open: Readonly<Record<string, string>>;
  secret: Readonly<Record<string, string>>;
}

/**
 * @param other the same command, rendered with other credentials
 * @param scope tells the variables of one command's arguments from another's
 */
export function partCommand(command: CommandSpec, other: CommandSpec, scope = 'MAIN'): PartedCommand {
  const open: Record<string, string> = {};
  const secret: Record<string, string> = {};
  for (const [name, value] of Object.entries(command.env)) {
    if (other.env[name] === value) open[name] = escaped(value);
    else secret[name] = value;
  }
  const args = command.args.map((arg, index) => {
    if (other.args[index] === arg) return escaped(arg);
    const name = `LAMBDACTL_${scope}_ARGUMENT_${index}`;
    secret[name] = arg;
    return `$(${name})`;
  });
  return { executable: command.executable, args, open, secret };
}

/** Secrets of several commands together. @throws Error where two of them mean different things by one name */
export function mergeSecrets(commands: readonly PartedCommand[]): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of commands.flatMap(({ secret }) => Object.entries(secret))) {
    if ((merged[name] ?? value) !== value) throw new Error(`${name} has two values`);
    merged[name] = value;
  }
  return merged;
}

/** Kubernetes replaces "$(NAME)" in arguments and variables, and a doubled "$" by a plain one; every other "$" it leaves alone. */
const escaped = (text: string): string => (/\$[$(]/.test(text) ? text.replaceAll('$', '$$$$') : text);
