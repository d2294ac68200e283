// Builds the control plane of the Kubernetes tests into the user's cache: npm run rig:k8s [-- --jobs N]
import { parseArgs } from 'node:util';
import { buildRig } from '../test/rig/control-plane/build.ts';

const { values } = parseArgs({ options: { jobs: { type: 'string' } } });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
const started = performance.now();
const report = await buildRig({
  say: (line) => console.error(`rig: ${line}`),
  signal: stop.signal,
  ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
});
const total = Object.values(report.seconds).reduce((sum, each) => sum + each, 0);
const now = ((performance.now() - started) / 1000).toFixed(1);
console.error(
  `rig: ${report.built ? `ready after ${now} s` : 'was complete'}; programs took ${total.toFixed(0)} s; ${report.dir}`,
);
