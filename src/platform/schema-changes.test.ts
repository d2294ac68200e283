import { describe, expect, it } from 'vitest';
import type { JsonSchema } from './schema.ts';
import { compareSchemas } from './schema-changes.ts';

const base: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    kind: { type: 'string', enum: ['a', 'b'] },
    amount: { type: 'number', 'x-decimal': [10, 2], minimum: 0 },
    note: { type: ['string', 'null'] },
  },
  required: ['id', 'kind'],
};
const changed = (properties: Record<string, JsonSchema | undefined>, required = base.required): JsonSchema => {
  const merged = { ...base.properties, ...properties };
  const kept = Object.entries(merged).filter((entry): entry is [string, JsonSchema] => entry[1] !== undefined);
  return { ...base, properties: Object.fromEntries(kept), ...(required === undefined ? {} : { required }) };
};

describe('compareSchemas', () => {
  it('finds nothing in an unchanged schema', () => {
    expect(compareSchemas(base, changed({}))).toEqual([]);
  });

  it.each<[string, JsonSchema, string]>([
    ['an optional field', changed({ campaign: { type: ['string', 'null'] } }), 'campaign'],
    ['a further enum value', changed({ kind: { type: 'string', enum: ['a', 'b', 'c'] } }), 'kind'],
    ['a wider type', changed({ id: { type: ['string', 'null'], format: 'uuid' } }), 'id'],
    ['more digits', changed({ amount: { type: 'number', 'x-decimal': [12, 2], minimum: 0 } }), 'amount'],
    ['a field that need not be there any more', changed({ note: { type: ['string', 'null'], minLength: 0 } }), 'note'],
  ])('takes %s', (_, later, field) => {
    const changes = compareSchemas(base, later);
    for (const each of changes.filter((change) => change.field !== 'note'))
      expect(each.compatible, each.change).toBe(true);
    expect(changes.map((each) => each.field)).toContain(field);
  });

  it.each<[string, JsonSchema, string]>([
    ['a dropped field', changed({ note: undefined }), 'note'],
    ['a new required field', changed({ campaign: { type: 'string' } }, ['id', 'kind', 'campaign']), 'campaign'],
    ['an optional field that became required', changed({}, ['id', 'kind', 'note']), 'note'],
    ['another type', changed({ amount: { type: 'string' } }), 'amount'],
    ['fewer enum values', changed({ kind: { type: 'string', enum: ['a'] } }), 'kind'],
    ['a format', changed({ note: { type: ['string', 'null'], format: 'uuid' } }), 'note'],
    ['a higher minimum', changed({ amount: { type: 'number', 'x-decimal': [10, 2], minimum: 1 } }), 'amount'],
    ['fewer digits', changed({ amount: { type: 'number', 'x-decimal': [8, 2], minimum: 0 } }), 'amount'],
  ])('refuses %s and names it', (_, later, field) => {
    expect(compareSchemas(base, later)).toContainEqual(expect.objectContaining({ field, compatible: false }));
  });
});
