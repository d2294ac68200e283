import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { JobDefinition } from '../../components/contract.ts';
import { refuseLocalFiles, wrapped } from './run-job.ts';

function jobOf(command: readonly string[], args: readonly string[] = []) {
  const template = { spec: { containers: [{ name: 'lake', image: 'lambdactl/spark:1', command, args }] } };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'lake-1' }, spec: { backoffLimit: 0, template } };
}

function commandOf(job: ReturnType<typeof jobOf>): readonly string[] {
  const object = wrapped(job) as unknown as ReturnType<typeof jobOf>;
  const [container] = object.spec.template.spec.containers;
  expect(container).not.toHaveProperty('args');
  expect(container).toMatchObject({ name: 'lake', image: 'lambdactl/spark:1' });
  return container?.command ?? [];
}

/** Runs a job's command as the node would: both streams end up in one log. */
function start(script: string) {
  const [program = '', ...args] = commandOf(jobOf(['/bin/sh', '-c'], [script]));
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trimEnd().split('\n')));
  }
  return { child, lines, ended: once(child, 'close') };
}

it('tells standard output from standard error, and keeps the exit code', async () => {
  const { ended, lines } = start('echo \'{"row":1}\'; echo "a warning" >&2; printf "no line break"; exit 3');
  expect((await ended)[0]).toBe(3);
  expect(lines.toSorted()).toEqual(['E a warning', 'O no line break', 'O {"row":1}']);
});

it('hands a signal on, and waits for the program to end by itself', async () => {
  const { child, ended, lines } = start('trap "echo stopping; exit 7" TERM; echo ready; while :; do sleep 0.05; done');
  while (!lines.includes('O ready')) await new Promise((settle) => setTimeout(settle, 20));
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(7);
  expect(lines).toEqual(['O ready', 'O stopping']);
});

it('leaves other objects alone', () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'lake-1-env' } };
  expect(wrapped(secret)).toBe(secret);
});

it('refuses what would read a file of this machine', () => {
  // Only its title is looked at.
  const job = { title: 'Lake tool' } as JobDefinition;
  expect(() =>
    refuseLocalFiles(
      job,
      { args: ['append', '/home/me/.lambdactl/stacks/s/cache/rows'] },
      '/home/me/.lambdactl/stacks/s',
    ),
  ).toThrow(expect.objectContaining({ code: 'NOT_HERE' }));
  expect(() => refuseLocalFiles(job, { args: ['tables'] }, '/home/me')).not.toThrow();
});
