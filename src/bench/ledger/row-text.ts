import type { ComparedColumn } from '../../reconcile/entities.ts';

/**
 * The canonical row of src/reconcile, as its SQL makes it (dialect.ts), for a record as the generator writes it. The columns decide
 * what is in the row; an object, which is a record's last field, stays the text that it is.
 */
export function rowText(columns: readonly ComparedColumn[], json: string): string {
  // The generator's own record: an object.
  const record = JSON.parse(json) as Record<string, unknown>;
  return columns.map((column) => fieldOf(column, record[column.name], json) ?? '~').join('|');
}

function fieldOf({ name, kind, scale }: ComparedColumn, value: unknown, json: string): string | null {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'time':
      return String(Date.parse(String(value)));
    case 'decimal':
      return Number(value).toFixed(scale);
    case 'uuid':
      return uuidField(String(value).toLowerCase());
    case 'text':
      return measured(typeof value === 'object' ? rawField(json, name) : String(value));
    default:
      return String(value);
  }
}

/** What is no UUID is marked, so that it does not end where one would. */
const uuidField = (text: string): string => (text.length === 36 ? text : `!${measured(text)}`);

/** In characters as SQL counts them, not in UTF-16 units. */
const measured = (text: string): string => `${[...text].length}:${text}`;

function rawField(json: string, name: string): string {
  const label = `"${name}":`;
  return json.slice(json.indexOf(label) + label.length, -1);
}
