import { table } from './table.ts';

/** Columns of the terminal that stdout is; 100 where it is none. At least 40: below, lines are the terminal's to break. */
export function textWidth(stream: { columns?: number } = process.stdout): number {
  return Math.max(40, stream.columns ?? 100);
}

export interface Column {
  /** Ends with ">" to be right-aligned, as in table(). */
  header: string;
  cells: readonly string[];
  /** Left out where the table is too wide, the highest number first; absent: always shown. */
  drop?: number;
}

/** A table that fits: columns that matter least go first, then the last column is cut with "…". */
export function tableWithin(width: number, columns: readonly Column[]): string {
  const count = Math.max(0, ...columns.map(({ cells }) => cells.length));
  const render = (shown: readonly Column[]) =>
    table(
      shown.map(({ header }) => header),
      Array.from({ length: count }, (_, row) => shown.map(({ cells }) => cells[row] ?? '')),
    );
  const drops = columns.flatMap(({ drop }) => drop ?? []).toSorted((a, b) => b - a);
  let shown = columns;
  let text = render(shown);
  for (const level of drops) {
    if (fits(text, width)) return text;
    shown = shown.filter(({ drop }) => drop === undefined || drop < level);
    text = render(shown);
  }
  return text
    .split('\n')
    .map((line) => clipped(line, width))
    .join('\n');
}

const fits = (text: string, width: number): boolean => text.split('\n').every((line) => [...line].length <= width);

/** The line, cut with "…" where it is longer. */
export function clipped(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width
    ? line
    : `${characters
        .slice(0, Math.max(0, width - 1))
        .join('')
        .trimEnd()}…`;
}

/** Words on lines no longer than the width; every line after the first begins with the indent. A longer word is cut into pieces. */
export function wrapped(text: string, width: number, indent = ''): string {
  const room = Math.max(10, width - indent.length);
  const words = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${room}}`, 'gu')) ?? []);
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const limit = lines.length === 0 ? width : room;
    if (line !== '' && line.length + 1 + word.length > limit) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}
