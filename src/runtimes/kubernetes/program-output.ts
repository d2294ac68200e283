import { isRecord } from '../../state/json-file.ts';

/** Small readers of what the programs of others print. */

export const asRecord = (value: unknown): Readonly<Record<string, unknown>> | null => (isRecord(value) ? value : null);

/** null where it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The line of a program's output that says most: the last one that calls itself an error, else the last one; null where there is none. */
export function messageLine(output: string): string | null {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const said = lines.findLast((line) => /^(?:error|fatal|failed)/i.test(line)) ?? lines.at(-1);
  return said?.replace(/^(?:error|fatal):\s*/i, '').slice(0, 300) ?? null;
}

/** The last lines of an output, for details and for messages of failures that nobody foresaw. */
export function lastLinesOf(output: string, count = 15): string {
  return output.trim().split('\n').slice(-count).join('\n');
}

export type Version = readonly [major: number, minor: number, patch: number];

/** Of "v1.32.4-dispatcher" or "kind v0.33.0 go1.25": the first numbers; null where there are none. */
export function versionIn(text: string): Version | null {
  const [, major, minor, patch] = /(?<![\w.])v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor), Number(patch ?? 0)];
}

export const versionText = (version: Version): string => version.join('.');

/** Whether `a` is older than `b`. */
export function isOlder(a: Version, b: Version): boolean {
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing !== -1 && (a[differing] ?? 0) < (b[differing] ?? 0);
}
