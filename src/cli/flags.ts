import { Flags } from '@oclif/core';
import type { FlagInput } from '@oclif/core/interfaces';
import { usageError } from '../core/errors.ts';

/** Gives every flag its environment twin LAMBDACTL_<FLAG>. */
export function withEnvironment<T extends FlagInput>(flags: T): T {
  for (const [name, flag] of Object.entries(flags)) {
    flag.env ??= `LAMBDACTL_${name.replaceAll('-', '_').toUpperCase()}`;
  }
  return flags;
}

export const globalFlags = withEnvironment({
  json: Flags.boolean({ description: 'Answer with one JSON envelope on stdout; never ask', helpGroup: 'GLOBAL' }),
  home: Flags.string({
    description: 'Directory of stacks and artifacts (default: ~/.lambdactl)',
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  stack: Flags.string({
    description: 'Name of the stack; several run side by side',
    default: 'default',
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
  }),
});

/** "postgres.sql=5433" … → { "postgres.sql": 5433 }. @throws LambdaError BAD_PORT */
export function portAssignments(texts: readonly string[]): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const text of texts) {
    const [, id, port] = /^([a-z0-9.-]+)=(\d{1,5})$/.exec(text) ?? [];
    if (id === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw usageError(`--port ${text}: expected ID=PORT with a port of 1–65535, e.g. postgres.sql=5433.`, {
        code: 'BAD_PORT',
        actions: ['`lambdactl up --dry-run` lists the ids.'],
      });
    }
    ports[id] = Number(port);
  }
  return ports;
}
