import { addressesOf, isPortFree } from '../system/net.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

/** Components meet on 127.0.0.1, and programs of the user's say "localhost". */
export const loopback: MachineCheck = {
  name: 'loopback',
  area: 'host',
  title: '127.0.0.1 and localhost',
  needs: [],
  async run() {
    const addresses = await addressesOf('localhost');
    const usable = await isPortFree('127.0.0.1', 0);
    return {
      detail: `localhost is ${addresses.join(', ') || 'unknown'}`,
      findings: [...(usable ? [] : [noLoopback()]), ...wrongName(addresses)],
    };
  },
};

function noLoopback(): Finding {
  return {
    severity: 'error',
    what: 'nothing can listen on 127.0.0.1',
    why: 'Every component does; the loopback interface is down: ip link set lo up.',
    fix: null,
  };
}

/** @param addresses what the name localhost resolves to */
export function wrongName(addresses: readonly string[]): Finding[] {
  const foreign = addresses.filter((address) => !/^(127\.|::1$)/.test(address));
  if (addresses.length > 0 && foreign.length === 0) return [];
  const what =
    addresses.length === 0 ? 'the name localhost is not known' : `localhost resolves to ${foreign.join(', ')}`;
  return [
    {
      severity: 'warning',
      what,
      why: 'Clients that are told localhost do not reach the platform; /etc/hosts should say "127.0.0.1 localhost".',
      fix: null,
    },
  ];
}
