import { formatBytes } from '../core/units.ts';
import { table } from './table.ts';

interface Bundle {
  file: string;
  bytes: number;
  members: readonly { path: string; bytes: number }[];
  leftOut: readonly string[];
}

/** What is in a support bundle, and what is not. */
export function bundleText({ file, bytes, members, leftOut }: Bundle): string {
  const rows = members.map(({ path, bytes: size }) => [formatBytes(size), path]);
  return [
    table(['SIZE>', 'FILE'], rows),
    '',
    ...leftOut.map((line) => `Not in it: ${line}.`),
    `${file} (${formatBytes(bytes)}), readable by you alone.`,
  ].join('\n');
}
