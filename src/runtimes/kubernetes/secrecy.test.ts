import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { CommandSpec } from '../../core/service-spec.ts';
import { mergeSecrets, otherCredentials, partCommand, partFiles } from './secrecy.ts';

const credentials = {
  'a.login': { user: 'ann', secret: 'Xsecret' },
  'account.s3': { user: 'AKIA1', secret: 'Ysecret' },
};
const derived = (secret: string) => createHash('sha256').update(secret).digest('hex');

const command = (all: typeof credentials): CommandSpec => ({
  executable: '/bin/program',
  args: ['--id', all['a.login'].secret, '--user', all['a.login'].user],
  env: { KEY: derived(all['a.login'].secret), WHO: all['a.login'].user, ACCESS: all['account.s3'].user },
  cwd: '/run',
});

it('finds what was made of a secret, also by way of a hash, and who an account belongs to', () => {
  // The same ids.
  const others = otherCredentials(credentials) as typeof credentials;
  const parted = partCommand(command(credentials), command(others));
  expect(parted.open).toEqual({ WHO: 'ann' });
  expect(parted.secret).toEqual({ KEY: derived('Xsecret'), ACCESS: 'AKIA1', LAMBDACTL_MAIN_ARGUMENT_1: 'Xsecret' });
  expect(parted.args).toEqual(['--id', '$(LAMBDACTL_MAIN_ARGUMENT_1)', '--user', 'ann']);
});

it('parts files by their content and their mode', () => {
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode });
  const { open, secret } = partFiles(
    [file('/a', 'same'), file('/b', 'one'), file('/c', 'same', 0o600)],
    [file('/a', 'same'), file('/b', 'other'), file('/c', 'same', 0o600)],
  );
  expect(open.map(({ path }) => path)).toEqual(['/a']);
  expect(secret.map(({ path }) => path)).toEqual(['/b', '/c']);
});

it('keeps Kubernetes from replacing what looks like a variable', () => {
  const spec = {
    executable: '/bin/sh',
    args: ['-c', 'echo $(date) $$ "$0"', 'exec "$0"'],
    env: { A: '$(B)' },
    cwd: '/',
  };
  const { args, open } = partCommand(spec, spec);
  expect(args).toEqual(['-c', 'echo $$(date) $$$$ "$$0"', 'exec "$0"']);
  expect(open).toEqual({ A: '$$(B)' });
});

it('refuses one name for two secrets', () => {
  const one = (value: string) => ({ executable: '', args: [], open: {}, secret: { A: value } });
  expect(mergeSecrets([one('1'), one('1')])).toEqual({ A: '1' });
  expect(() => mergeSecrets([one('1'), one('2')])).toThrow('A has two values');
});
