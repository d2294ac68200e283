import type { JsonSchema } from './schema.ts';

export interface SchemaChange {
  /** Name of the field, e.g. "quantity". */
  field: string;
  change: string;
  /** Whether data written with the earlier schema can still be read with the later one. */
  compatible: boolean;
}

/**
 * What a later version of a record's schema changes, field by field, for readers of earlier data (BACKWARD): a new optional field and
 * a wider type are compatible; a dropped field is not, as the registered form is closed.
 */
export function compareSchemas(earlier: JsonSchema, later: JsonSchema): SchemaChange[] {
  const before = earlier.properties ?? {};
  const after = later.properties ?? {};
  const required = new Set(later.required ?? []);
  const wasRequired = new Set(earlier.required ?? []);
  const changes: SchemaChange[] = [];
  for (const field of Object.keys(before).filter((name) => !(name in after))) {
    changes.push({ field, change: 'dropped', compatible: false });
  }
  for (const [field, schema] of Object.entries(after)) {
    const old = before[field];
    if (old === undefined) {
      const optional = !required.has(field);
      changes.push({ field, change: optional ? 'new, optional' : 'new and required', compatible: optional });
      continue;
    }
    if (required.has(field) && !wasRequired.has(field)) {
      changes.push({ field, change: 'was optional, is required', compatible: false });
    }
    changes.push(...changesOf(old, schema).map((each) => ({ field, ...each })));
  }
  return changes;
}

function changesOf(old: JsonSchema, now: JsonSchema): Omit<SchemaChange, 'field'>[] {
  const changes: Omit<SchemaChange, 'field'>[] = [];
  const [oldTypes, types] = [typesOf(old), typesOf(now)];
  if (oldTypes.join() !== types.join()) {
    const wider = oldTypes.every((type) => types.includes(type) || (type === 'integer' && types.includes('number')));
    changes.push({ change: `type ${oldTypes.join('|')} → ${types.join('|')}`, compatible: wider });
  }
  if (old.format !== now.format) {
    changes.push({
      change: `format ${old.format ?? 'any'} → ${now.format ?? 'any'}`,
      compatible: now.format === undefined,
    });
  }
  if (old.enum?.join() !== now.enum?.join()) {
    const lost = old.enum === undefined ? [] : old.enum.filter((value) => !(now.enum?.includes(value) ?? true));
    const narrowed = now.enum !== undefined && (old.enum === undefined || lost.length > 0);
    const text =
      lost.length > 0 ? `no longer allows ${lost.join(', ')}` : narrowed ? 'now a fixed list' : 'allows more values';
    changes.push({ change: text, compatible: !narrowed });
  }
  for (const bound of ['minimum', 'minLength'] as const) {
    if (old[bound] === now[bound]) continue;
    const stricter = (now[bound] ?? Number.NEGATIVE_INFINITY) > (old[bound] ?? Number.NEGATIVE_INFINITY);
    changes.push({ change: `${bound} ${old[bound] ?? 'none'} → ${now[bound] ?? 'none'}`, compatible: !stricter });
  }
  const [oldDecimal, decimal] = [old['x-decimal'], now['x-decimal']];
  if (oldDecimal?.join() !== decimal?.join()) {
    changes.push({
      change: `decimal (${oldDecimal ?? 'none'}) → (${decimal ?? 'none'})`,
      compatible: isWider(oldDecimal, decimal),
    });
  }
  return changes;
}

/** As many digits on both sides of the point. */
function isWider(old: JsonSchema['x-decimal'], now: JsonSchema['x-decimal']): boolean {
  return old !== undefined && now !== undefined && now[1] >= old[1] && now[0] - now[1] >= old[0] - old[1];
}

function typesOf({ type }: JsonSchema): string[] {
  return type === undefined ? [] : typeof type === 'string' ? [type] : [...type].sort();
}
