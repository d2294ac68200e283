import { usageError } from '../core/errors.ts';
import { parseDuration } from '../core/units.ts';
import type { LogLine } from '../runtimes/contract.ts';
import { componentName } from './selection.ts';
import { openStack, type StackRef } from './stack.ts';

export interface LogsRequest extends StackRef {
  components: readonly string[];
  follow: boolean;
  since: string | undefined;
  grep: string | undefined;
  tail: number;
}

/** @throws LambdaError UNKNOWN_COMPONENT, BAD_TIME, BAD_PATTERN */
export async function* logs(request: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine> {
  // "kafka-2" names an instance of kafka.
  for (const name of request.components) componentName(name.replace(/-\d+$/, ''));
  const query = {
    follow: request.follow,
    tail: request.tail,
    ...(request.components.length > 0 ? { components: request.components } : {}),
    ...(request.since === undefined ? {} : { since: sinceTime(request.since) }),
    ...(request.grep === undefined ? {} : { grep: pattern(request.grep) }),
  };
  const stack = await openStack(request);
  yield* stack.runtime.logs(query, signal);
}

function sinceTime(text: string): number {
  const absolute = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(absolute)) return absolute;
  if (/^\d{4}-/.test(text)) {
    throw usageError(`--since ${text} is no time.`, {
      code: 'BAD_TIME',
      actions: ['Use 10m, 2h or 2026-01-31T09:30:00Z.'],
    });
  }
  return Date.now() - parseDuration(text);
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw usageError(`--grep ${text} is no regular expression.`, { code: 'BAD_PATTERN', actions: [], cause: error });
  }
}
