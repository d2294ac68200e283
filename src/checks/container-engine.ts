import { kubernetesCheck, outcome } from './cluster.ts';
import { mebibytesOf, neededMemoryMiB } from './machine.ts';

/** A container engine answers and has the memory that the profile needs: its virtual machine often has less than the computer. */
export const containerEngine = kubernetesCheck(
  { name: 'container-engine', area: 'host', title: 'container engine for kind' },
  async (view, context) => {
    const engine = await view.engine();
    if ('reason' in engine) {
      if (!view.kind) return outcome(`none is needed: the cluster is not kind's (${engine.reason})`, []);
      return outcome(engine.reason, [
        {
          severity: 'error',
          what: `no container engine answers: ${engine.reason}`,
          why: 'The nodes of a kind cluster are containers: without an engine the cluster cannot be made, or stands still.',
          fix: null,
        },
      ]);
    }
    const present = Math.floor(mebibytesOf(engine.memoryBytes));
    const needed = neededMemoryMiB(context);
    const facts = `${engine.kind} ${engine.version}, ${present} MiB${engine.rootless ? ', rootless' : ''}`;
    if (!view.kind || present >= needed) return outcome(facts, []);
    return outcome(facts, [
      {
        severity: 'warning',
        what: `${engine.kind} has ${present} MiB of memory; profile ${context.profile.name} needs ${needed} MiB`,
        why: 'Pods stay pending, or are killed when they get to work: give its virtual machine more, or take fewer components.',
        fix: null,
      },
    ]);
  },
);
