import type { MachineCheck } from './machine.ts';

const names = ['http_proxy', 'https_proxy', 'all_proxy'];

/** Proxies that would catch what components and clients say to 127.0.0.1. */
export const proxy: MachineCheck = {
  name: 'proxy',
  area: 'host',
  title: 'proxies that would catch 127.0.0.1',
  needs: [],
  async run({ environment }) {
    const set = names.flatMap((name) => [name, name.toUpperCase()]).filter((name) => (environment[name] ?? '') !== '');
    const exceptions = [environment.no_proxy, environment.NO_PROXY].filter((each) => each !== undefined).join(',');
    if (set.length === 0) return { detail: 'none set', findings: [] };
    if (excepts(exceptions)) return { detail: `${set.join(', ')} set, not for 127.0.0.1`, findings: [] };
    return {
      detail: `${set.join(', ')} set`,
      findings: [
        {
          severity: 'warning',
          what: `${set.join(', ')} is set and NO_PROXY does not name 127.0.0.1`,
          why: 'curl, dbt, AWS and Kafka clients send what is meant for the platform to the proxy: export NO_PROXY=127.0.0.1,localhost,::1.',
          fix: null,
        },
      ],
    };
  },
};

/** Whether a NO_PROXY list keeps 127.0.0.1 off the proxy. */
function excepts(list: string): boolean {
  return list
    .split(/[,\s]+/)
    .some((entry) => ['*', '127.0.0.1', '127.0.0.0/8', '127.0.0.1/8', '127.0.0.1/32', '127.'].includes(entry));
}
