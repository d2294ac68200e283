import { brokersIn } from '../probes/kafka-brokers.ts';
import type { Runtime } from '../runtimes/contract.ts';

/** "host:port" of every broker. @throws LambdaError NOT_UP */
export async function brokersOf(runtime: Runtime): Promise<string[]> {
  return brokersIn(await runtime.endpoint('kafka', 'kafka'));
}

/** The same, as the other components reach them. @throws LambdaError NOT_UP */
export async function brokersInside(runtime: Runtime): Promise<string[]> {
  return brokersIn(await runtime.inside('kafka', 'kafka'));
}
