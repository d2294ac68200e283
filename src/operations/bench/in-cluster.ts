import { benchReportSchema } from '../../bench/report-schema.ts';
import type { BenchReport } from '../../core/bench-report.ts';
import type { OperationContext } from '../../core/events.ts';
import { argumentsOf, requireCluster, runInCluster } from '../in-cluster.ts';
import type { OpenStack } from '../stack.ts';
import type { BenchRequest } from './request.ts';

/**
 * The same run within the cluster: generator and measuring clients beside the services, so that no forwarded connection bounds the rate.
 * @throws LambdaError IN_CLUSTER_ONLY, IN_CLUSTER_FAILED, what `bench` throws
 */
export async function benchInCluster(
  { scenario, rate, duration, warmup, seed, events, concurrency, findMax }: BenchRequest,
  stack: OpenStack,
  context: OperationContext,
): Promise<BenchReport> {
  await requireCluster(stack);
  const flags = { rate, duration, warmup, seed, events, concurrency, 'find-max': findMax };
  const { data } = await runInCluster(stack, ['bench', scenario, ...argumentsOf(flags)], 'stack', context);
  // Checked as any kept result is: it may come from another version of lambdactl in the image.
  return benchReportSchema.parse(data);
}
