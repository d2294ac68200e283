import { join } from 'node:path';
import { Config } from '@oclif/core';
import { expect, it } from 'vitest';

/** Commands and flags are a contract: a change shows here, in a file that a reviewer reads. Update with `npm test -- -u --project contract`. */
it('are the commands and flags of commands.txt', async () => {
  const config = await Config.load({ root: join(import.meta.dirname, '../..') });
  const lines = config.commands
    .toSorted((a, b) => a.id.localeCompare(b.id))
    .map(({ id, args, flags }) => {
      const positional = Object.keys(args).map((name) => `<${name}>`);
      const named = Object.keys(flags)
        .toSorted()
        .map((name) => `--${name}`);
      return [id.replaceAll(':', ' '), ...positional, ...named].join(' ');
    });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('commands.txt');
});

it('all have a summary, an example and an environment twin of every flag', async () => {
  const config = await Config.load({ root: join(import.meta.dirname, '../..') });
  for (const { id, summary, examples, flags } of config.commands) {
    expect(summary, id).toBeTruthy();
    expect(examples?.length, id).toBeGreaterThan(0);
    for (const flag of Object.values(flags)) expect(flag.env, `${id} --${flag.name}`).toMatch(/^LAMBDACTL_[A-Z_]+$/);
  }
});
