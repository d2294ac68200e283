import type { ConnectInfo, Runtime } from '../runtimes/contract.ts';

/** "host:port" of every broker. @throws LambdaError NOT_UP */
export async function brokersOf(runtime: Runtime): Promise<string[]> {
  return addresses(await runtime.endpoint('kafka', 'kafka'));
}

/** The same, as the other components reach them. @throws LambdaError NOT_UP */
export async function brokersInside(runtime: Runtime): Promise<string[]> {
  return addresses(await runtime.inside('kafka', 'kafka'));
}

const addresses = ({ url }: ConnectInfo): string[] => url.replace(/^kafka:\/\//, '').split(',');
