import { join } from 'node:path';
import type { RenderContext } from '../components/contract.ts';
import { readNow } from '../system/files.ts';

/** Loads the template engine; wanted only where files are rendered. */
export async function loadTemplates(directory: string): Promise<RenderContext['template']> {
  const { Eta } = await import('eta');
  // Configuration files, not HTML: nothing is escaped, no line break is taken away.
  const eta = new Eta({ autoEscape: false, autoTrim: false });
  return (path, data) => eta.renderString(readNow(join(directory, path)), strict(path, data));
}

/** A misspelt name must not become the text "undefined" in a config file. */
function strict(path: string, data: Record<string, unknown>): Record<string, unknown> {
  return new Proxy(data, {
    get(target, key) {
      if (typeof key === 'string' && !(key in target)) throw new Error(`template ${path} asks for "${key}"`);
      return Reflect.get(target, key);
    },
  });
}
