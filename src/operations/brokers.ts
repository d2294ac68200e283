import type { Runtime } from '../runtimes/contract.ts';

/** Bootstrap servers of the stack's Kafka, "host:port" each. @throws LambdaError NOT_UP */
export async function brokersOf(runtime: Runtime): Promise<string[]> {
  return (await runtime.endpoint('kafka', 'kafka')).url.replace(/^kafka:\/\//, '').split(',');
}
