import { type ContainerFacts, clusterCheck, outcome, type PodFacts, podName } from './cluster.ts';
import { commandFor } from './commands.ts';
import type { Finding } from './contract.ts';
import type { MachineContext } from './machine.ts';

/** Restarts from which on a container's crashes are no accident. */
const manyRestarts = 3;

/** Pods that no node takes, that crash, or that were killed for their memory. */
export const clusterPods = clusterCheck(
  { name: 'cluster-pods', area: 'cluster', title: 'pods scheduled, not crashing' },
  async (cluster, context) => {
    const pods = await cluster.pods();
    const running = pods.filter(({ phase }) => phase === 'Running').length;
    const restarts = pods.flatMap(({ containers }) => containers).reduce((sum, each) => sum + each.restarts, 0);
    return outcome(
      `${running} of ${pods.length} run, ${restarts} restarts`,
      pods.flatMap((pod) => troublesOf(pod, context)),
    );
  },
);

function troublesOf(pod: PodFacts, context: MachineContext): Finding[] {
  if (pod.unschedulable !== null) {
    return [
      {
        severity: 'error',
        what: `no node takes pod ${podName(pod)}: ${pod.unschedulable}`,
        why: 'It waits until a node has what it asks for: add nodes or memory, take a smaller profile or fewer components.',
        fix: null,
      },
    ];
  }
  return pod.containers.flatMap((container) => crashOf(pod, container, context));
}

function crashOf(
  pod: PodFacts,
  { name, restarts, waiting, lastEnd }: ContainerFacts,
  { paths }: MachineContext,
): Finding[] {
  const looping = waiting?.reason === 'CrashLoopBackOff';
  const broken =
    waiting !== null &&
    ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'].includes(waiting.reason);
  const killed = lastEnd?.reason === 'OOMKilled';
  if (!looping && !broken && !killed && restarts < manyRestarts) return [];
  const subject = `${name} of pod ${podName(pod)}`;
  const logs = { command: commandFor({ paths }, `logs ${pod.component}`), safe: false };
  if (broken) {
    const why =
      'The container cannot be made: a secret, a volume or a setting that it names is not there, or not as it should be.';
    return [{ severity: 'error', what: `${subject}: ${waiting.reason}: ${waiting.message}`, why, fix: null }];
  }
  const how =
    lastEnd === null ? '' : `, the last time by ${killed ? 'its memory limit' : `exit code ${lastEnd.exitCode}`}`;
  return [
    {
      severity: looping ? 'error' : 'warning',
      what: `${subject} was restarted ${restarts} ${restarts === 1 ? 'time' : 'times'}${how}`,
      why: killed
        ? 'It needs more memory than the profile gives it: raise memoryMiB of the component in a profile of your own.'
        : 'It crashes again and again: data waits before it, and the reason is in its log.',
      fix: logs,
    },
  ];
}
