import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readNow } from '../../system/files.ts';
import { projectRoot } from '../stack.ts';

/** uPlot's script and style as its package brings them, and what draws with it: texts that an HTML report carries in itself. */
export function plotLibrary() {
  const require = createRequire(import.meta.url);
  return {
    script: readNow(require.resolve('uplot/dist/uPlot.iife.min.js')),
    style: readNow(require.resolve('uplot/dist/uPlot.min.css')),
    drawing: readNow(join(projectRoot, 'templates/bench/plots.js')),
  };
}
