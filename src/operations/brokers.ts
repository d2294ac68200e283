import { brokersIn } from '../probes/kafka-brokers.ts';
import type { Runtime } from '../runtimes/contract.ts';

/** Bootstrap servers of the stack's Kafka, "host:port" each. @throws LambdaError NOT_UP */
export async function brokersOf(runtime: Runtime): Promise<string[]> {
  return brokersIn(await runtime.endpoint('kafka', 'kafka'));
}
