import { LambdaError, messageOf } from '../core/errors.ts';
import { outcome } from './cluster.ts';
import type { MachineCheck } from './machine.ts';

/** The API server of the stack's cluster answers, and lets this user in. */
export const clusterReachable: MachineCheck = {
  name: 'cluster-reachable',
  area: 'cluster',
  title: 'API server answers',
  needs: [],
  applies: ({ kubernetes }) => kubernetes.cluster !== null,
  async run({ kubernetes: { cluster }, signal }) {
    if (cluster === null) return outcome('the stack is not on a cluster', []);
    const started = performance.now();
    try {
      const version = await cluster.version();
      return outcome(`${cluster.context}: ${version}, ${Math.round(performance.now() - started)} ms`, []);
    } catch (error) {
      signal.throwIfAborted();
      const advice = error instanceof LambdaError ? error.actions.join(' ') : '';
      const why = `Nothing of the stack can be reached or changed. ${advice}`.trim();
      return outcome(messageOf(error), [{ severity: 'error', what: messageOf(error), why, fix: null }]);
    }
  },
};
