import type { Bootstrap } from '../core/bootstrap.ts';
import { brokersIn } from '../probes/kafka-brokers.ts';
import type { Runtime } from '../runtimes/contract.ts';

/** How to reach every broker. @throws LambdaError NOT_UP */
export async function brokersOf(runtime: Runtime): Promise<Bootstrap> {
  return brokersIn(await runtime.endpoint('kafka', 'kafka'));
}

/** The same, as the other components reach them. @throws LambdaError NOT_UP */
export async function brokersInside(runtime: Runtime): Promise<Bootstrap> {
  return brokersIn(await runtime.inside('kafka', 'kafka'));
}
