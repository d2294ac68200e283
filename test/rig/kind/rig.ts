/**
 * A kind cluster on a machine that can pull no images: `node test/rig/kind/rig.ts build|up|down|env|status`; `build operators` makes the
 * operators' images as well.
 * docs/kubernetes-testing-kind.md says what is made of what.
 */
import { pidOfDockerd, startDockerd, stopDockerd } from './dockerd.ts';
import { baseImages, nodeImage, nodeRootfs, serverImages } from './node-image.ts';
import { operatorSteps } from './operators.ts';
import { rigEnvironment, root } from './paths.ts';
import { goPrograms, hostPackages } from './programs.ts';
import { isBuilt, runSteps, type Step } from './steps.ts';

const beforeDocker: readonly Step[] = [hostPackages, nodeRootfs, ...goPrograms];
const inDocker: readonly Step[] = [baseImages, serverImages, nodeImage];

/** Whether `up` can be called without a build. */
export const rigIsBuilt = (): boolean => isBuilt([...beforeDocker, ...inDocker]);

/** Whether operators' images are there too. */
export const operatorsAreBuilt = (): boolean =>
  rigIsBuilt() && isBuilt([...operatorSteps.beforeDocker, ...operatorSteps.inDocker]);

const say = (line: string) => console.error(`rig: ${line}`);

async function build(target?: string): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('the rig wants Linux and root');
  if (target !== undefined && target !== 'operators') throw new Error(`there is no target ${target}`);
  const operators = target === 'operators' ? operatorSteps : { beforeDocker: [], inDocker: [] };
  const wasUp = pidOfDockerd() !== null;
  const first = [...beforeDocker, ...operators.beforeDocker];
  await runSteps(first, say);
  await startDockerd();
  try {
    await runSteps([...first, ...inDocker, ...operators.inDocker], say);
  } finally {
    if (!wasUp) await stopDockerd();
  }
}

const commands: Record<string, (target?: string) => Promise<unknown> | unknown> = {
  build,
  up: startDockerd,
  down: stopDockerd,
  /** For `eval "$(…)"`. */
  env: () => {
    for (const [name, value] of Object.entries(rigEnvironment())) console.log(`export ${name}='${value}'`);
  },
  status: () => {
    console.log(
      JSON.stringify({ root, built: rigIsBuilt(), operators: operatorsAreBuilt(), dockerd: pidOfDockerd() }, null, 2),
    );
  },
};

if (process.argv[1] === import.meta.filename) {
  const command = commands[process.argv[2] ?? ''];
  if (command === undefined) {
    console.error(`usage: node test/rig/kind/rig.ts ${Object.keys(commands).join('|')}`);
    process.exit(2);
  }
  await command(process.argv[3]);
}
