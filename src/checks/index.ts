import type { Check } from './contract.ts';

/** Every check, in the order in which they are told. */
export const checks: readonly Check[] = [];
