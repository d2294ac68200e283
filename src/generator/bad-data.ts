/** Ways in which a record can be wrong; each must end in the dead-letter queue, apart from duplicates, which must vanish. */
export const badKinds = [
  'malformed_json',
  'missing_field',
  'wrong_type',
  'unknown_type',
  'future_timestamp',
  'late_timestamp',
] as const;
export type BadKind = (typeof badKinds)[number];

/** What a record on user_events is. `duplicate` is an exact re-send of an earlier valid record. */
export const recordKinds = ['valid', ...badKinds, 'duplicate'] as const;
export type RecordKind = (typeof recordKinds)[number];

/** Shares of all records on user_events, 0 … 1, by kind. */
export type BadRates = Partial<Record<BadKind | 'duplicate', number>>;
