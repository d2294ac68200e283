import { LambdaError, messageOf } from '../core/errors.ts';

/** The one shape of every --json answer; frozen by test/contract. */
export interface Envelope {
  schemaVersion: 1;
  command: string;
  /** ok · check-failed: it worked, and what was checked is not right (exit 10) · error */
  status: 'ok' | 'check-failed' | 'error';
  data: unknown;
  warnings: readonly string[];
  error: EnvelopeError | null;
}

export interface EnvelopeError {
  code: string;
  category: string;
  message: string;
  retryable: boolean;
  details: Record<string, unknown>;
  actions: readonly string[];
}

export function successEnvelope(command: string, data: unknown, ok: boolean, warnings: readonly string[]): Envelope {
  return { schemaVersion: 1, command, status: ok ? 'ok' : 'check-failed', data, warnings, error: null };
}

export function errorEnvelope(command: string, error: unknown, warnings: readonly string[]): Envelope {
  return { schemaVersion: 1, command, status: 'error', data: null, warnings, error: describeError(error) };
}

export function describeError(error: unknown): EnvelopeError {
  if (error instanceof LambdaError) {
    const { code, category, message, retryable, details, actions } = error;
    return { code, category, message, retryable, details, actions };
  }
  return {
    code: 'BUG',
    category: 'bug',
    message: messageOf(error),
    retryable: false,
    details: error instanceof Error && error.stack !== undefined ? { stack: error.stack.split('\n').slice(0, 8) } : {},
    actions: ['This is a defect of lambdactl; please report it with the output of `lambdactl version`.'],
  };
}
