import { artifacts } from './artifacts.ts';
import { cgroup } from './cgroup.ts';
import { clock } from './clock.ts';
import { cores } from './cores.ts';
import { disk } from './disk.ts';
import { drift } from './drift.ts';
import { homeFilesystem } from './home-filesystem.ts';
import { idleStacks } from './idle-stacks.ts';
import { interrupted } from './interrupted.ts';
import { leftovers } from './leftovers.ts';
import { loopback } from './loopback.ts';
import type { MachineCheck } from './machine.ts';
import { memory } from './memory.ts';
import { memoryBudget } from './memory-budget.ts';
import { ports } from './ports.ts';
import { processLimits } from './process-limits.ts';
import { proxy } from './proxy.ts';
import { sealedSecrets } from './sealed-secrets.ts';
import { secretFiles } from './secret-files.ts';
import { services } from './services.ts';
import { stateFiles } from './state-files.ts';
import { supervisor } from './supervisor.ts';
import { tools } from './tools.ts';
import { umask } from './umask.ts';
import { unusedArtifacts } from './unused-artifacts.ts';

/** Every check, in the order in which they are told. */
export const checks: readonly MachineCheck[] = [
  memory,
  cores,
  disk,
  homeFilesystem,
  cgroup,
  processLimits,
  clock,
  ports,
  tools,
  loopback,
  proxy,
  umask,
  leftovers,
  idleStacks,
  artifacts,
  unusedArtifacts,
  stateFiles,
  interrupted,
  supervisor,
  services,
  memoryBudget,
  drift,
  secretFiles,
  sealedSecrets,
];
