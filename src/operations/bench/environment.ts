import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BenchEnvironment } from '../../core/bench-report.ts';
import type { Profile } from '../../platform/profile.ts';
import { hashTree, readIfExists } from '../../system/files.ts';
import { hostFacts } from '../../system/host.ts';
import { loadAverage, operatingSystem, processorModel } from '../../system/machine.ts';
import { packageVersion, projectRoot } from '../stack.ts';

/** What a figure depends on besides the code: told in every result, so that two can be compared or not. */
export async function environmentOf(profile: Profile): Promise<Omit<BenchEnvironment, 'outsideCpuPercent'>> {
  const host = hostFacts();
  return {
    cpu: processorModel(),
    cores: host.cores,
    memoryBytes: host.memoryTotalBytes,
    os: operatingSystem(),
    node: process.versions.node,
    lambdactl: await packageVersion(),
    lockHash: await lockHash(),
    profileHash: createHash('sha256').update(JSON.stringify(profile)).digest('hex'),
    loadBefore: loadAverage(),
  };
}

async function lockHash(): Promise<string> {
  const hash = createHash('sha256').update(hashTree(join(projectRoot, 'locks')));
  // A published package has no npm lock: its dependencies are its own.
  return hash.update((await readIfExists(join(projectRoot, 'package-lock.json'))) ?? '').digest('hex');
}
