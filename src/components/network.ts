import type { RenderContext } from './contract.ts';

const address = '127.0.0.1';

/** How components find each other where all of them run on this machine, for nobody else to reach. */
export const loopbackNetwork: Pick<RenderContext, 'listenHost' | 'clientNetwork' | 'hostOf' | 'outside'> = {
  listenHost: address,
  clientNetwork: `${address}/32`,
  hostOf: () => address,
  outside: () => null,
};
