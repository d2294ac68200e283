import { hash } from 'node:crypto';
import type { ComparedColumn } from '../../reconcile/entities.ts';

/** A column's value as the text that both engines' SQL makes of it (src/reconcile/dialect.ts). */
type Field = (record: Readonly<Record<string, unknown>>, json: string) => string | null;

/**
 * The canonical row of src/reconcile for a record as the generator writes it, and of it what HopCount compares. The columns decide
 * what is in the row; a record's own objects stay the text that they are.
 * @returns a function of the record's JSON that gives the last 32 bits of the row's MD5, signed
 */
export function rowDigest(columns: readonly ComparedColumn[]): (json: string) => number {
  const text = rowText(columns);
  return (json) => {
    // Of the encodings this is the cheapest: a character a byte, nothing is formatted.
    const digest = hash('md5', text(json), 'binary');
    return (
      (digest.charCodeAt(12) << 24) |
      (digest.charCodeAt(13) << 16) |
      (digest.charCodeAt(14) << 8) |
      digest.charCodeAt(15)
    );
  };
}

/** The canonical row as text; see rowDigest. */
export function rowText(columns: readonly ComparedColumn[]): (json: string) => string {
  const fields = columns.map(fieldOf);
  return (json) => {
    // The generator's own record: an object.
    const record = JSON.parse(json) as Record<string, unknown>;
    let row = '';
    for (const field of fields) row += `|${field(record, json) ?? '~'}`;
    return row.slice(1);
  };
}

function fieldOf({ name, kind, scale }: ComparedColumn): Field {
  return (record, json) => {
    const value = record[name];
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
  };
}

/** What is no UUID is marked, so that it does not end where one would. */
const uuidField = (text: string): string => (text.length === 36 ? text : `!${measured(text)}`);

const measured = (text: string): string => `${lengthOf(text)}:${text}`;

/** In characters as SQL counts them, not in UTF-16 units. */
const lengthOf = (text: string): number => (/[\ud800-\udfff]/.test(text) ? [...text].length : text.length);

/** The text of an object that is the record's last field, as the generator's objects are. */
function rawField(json: string, name: string): string {
  const label = `"${name}":`;
  return json.slice(json.indexOf(label) + label.length, -1);
}
