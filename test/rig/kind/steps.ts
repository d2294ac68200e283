import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paths, sources } from './paths.ts';

/** A part of the build that is not done again while its inputs are the same and its outputs are there. */
export interface Step {
  name: string;
  /** What it is made from: done again when one of them was. */
  needs?: readonly Step[];
  /** Values and files (below the rig's sources) that decide what comes out. */
  inputs: readonly string[];
  files?: readonly string[];
  outputs: readonly string[];
  run(): Promise<void>;
}

interface Stamp {
  hash: string;
  seconds: number;
}

/** Runs what is not done yet, in order. An interrupted step begins again from its start. */
export async function runSteps(steps: readonly Step[], say: (line: string) => void): Promise<void> {
  mkdirSync(paths.stamps, { recursive: true });
  for (const step of steps) {
    const hash = hashOf(step);
    const stamp = stampOf(step.name);
    if (stamp !== null && isDone(step, stamp, hash)) {
      say(`${step.name}: there (took ${stamp.seconds} s)`);
      continue;
    }
    const started = Date.now();
    say(`${step.name}: …`);
    rmSync(join(paths.stamps, step.name), { force: true });
    await step.run();
    const seconds = Math.round((Date.now() - started) / 1000);
    writeFileSync(join(paths.stamps, step.name), JSON.stringify({ hash, seconds } satisfies Stamp));
    say(`${step.name}: ${seconds} s`);
  }
}

/** Whether every step is done and up to date. */
export const isBuilt = (steps: readonly Step[]): boolean =>
  steps.every((step) => {
    const stamp = stampOf(step.name);
    return stamp !== null && isDone(step, stamp, hashOf(step));
  });

const isDone = (step: Step, stamp: Stamp, hash: string): boolean =>
  stamp.hash === hash && step.outputs.every((path) => existsSync(path));

function stampOf(name: string): Stamp | null {
  const path = join(paths.stamps, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

function hashOf(step: Step): string {
  const hash = createHash('sha256').update([...(step.needs ?? []).map(hashOf), ...step.inputs].join('\0'));
  for (const file of step.files ?? []) addFile(hash, join(sources, file));
  return hash.digest('hex').slice(0, 16);
}

function addFile(hash: Hash, path: string): void {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) addFile(hash, join(path, name));
  } else {
    hash.update(path.slice(sources.length)).update('\0').update(readFileSync(path));
  }
}
