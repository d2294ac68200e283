import type { Probe } from '../../supervisor/options.ts';
import { runStackSupervisor } from './stack-supervisor.ts';

/** Entry of the supervisor process: the stack's supervisor with the probes of the products. Arguments: home, stack, version. */

let loaded: Promise<{ probe: Probe }> | undefined;

/** Clients are loaded at the first probe: a supervisor that is just starting answers sooner. */
const lazyProbe: Probe = async (spec, signal) => {
  loaded ??= import('../../probes/probe.ts');
  const { probe } = await loaded;
  return probe(spec, signal);
};

runStackSupervisor(process.argv.slice(2), lazyProbe);
