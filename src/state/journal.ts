import { appendLine, readIfExists, writeAtomic } from '../system/files.ts';
import type { StackPaths } from './paths.ts';

export interface JournalEntry {
  /** ISO time. */
  time: string;
  /** e.g. "up". */
  operation: string;
  /** Step id, e.g. "start/kafka". */
  step: string;
  outcome: 'begun' | 'done' | 'failed';
  detail?: string;
}

const kept = 1_000;

/** Adds what an operation did; the caller holds the stack's lock. @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE */
export async function appendJournal(paths: StackPaths, entry: Omit<JournalEntry, 'time'>): Promise<void> {
  await appendLine(paths.journalFile, JSON.stringify({ time: new Date().toISOString(), ...entry }));
}

/** Oldest first; a line that was cut by a crash is left out. */
export async function readJournal(paths: StackPaths): Promise<readonly JournalEntry[]> {
  const lines = ((await readIfExists(paths.journalFile)) ?? '').split('\n');
  return lines.flatMap((line) => {
    try {
      // Written by appendJournal; a torn line does not parse.
      return line === '' ? [] : [JSON.parse(line) as JournalEntry];
    } catch {
      return [];
    }
  });
}

/** Keeps the newest thousand entries. The caller holds the stack's lock. */
export async function trimJournal(paths: StackPaths): Promise<void> {
  const entries = await readJournal(paths);
  if (entries.length <= kept) return;
  const text = entries.slice(-kept).map((entry) => `${JSON.stringify(entry)}\n`);
  await writeAtomic(paths.journalFile, text.join(''), { mode: 0o600 });
}
