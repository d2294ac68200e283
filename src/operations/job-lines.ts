import type { z } from 'zod';

/** One line of a job's stdout, a JSON object; undefined when it is none of the job's. */
export function jobLine<T>(schema: z.ZodType<T>, text: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
}
