import { resolve } from 'node:path';
import { artifactNames } from '../src/artifacts/names.ts';
import { openArtifactStore } from '../src/artifacts/store.ts';
import { resolveHome } from '../src/system/paths.ts';

/** Installs every artifact into the home: before tests, so that none is skipped for want of one, and before a journey without network. */
const home = resolveHome(process.env.LAMBDACTL_HOME);
const store = openArtifactStore({ home, projectRoot: resolve(import.meta.dirname, '..') });
const signal = AbortSignal.timeout(30 * 60_000);
await store.ensure(artifactNames, {
  signal,
  emit: (event) => {
    if (event.type === 'step' && (event.status === 'done' || event.status === 'failed')) {
      console.error(`${event.status} ${event.title} ${event.detail ?? ''}`);
    }
  },
});
