import type { KubernetesContext } from '../../components/kubernetes.ts';
import type { ProbeSpec, ServiceSpec } from '../../core/service-spec.ts';
import { pythonArguments } from './image-layout.ts';

type Handler =
  | { httpGet: { path: string; port: number } }
  | { tcpSocket: { port: number } }
  | { exec: { command: string[] } };

/**
 * ready: it works, so others may speak to it. alive: it can still come to work by itself; only what it can do alone counts, or one
 * component's failure would restart those that wait for it.
 */
interface Handlers {
  ready: Handler;
  alive: Handler;
}

const http = (port: number, path: string): Handler => ({ httpGet: { path, port } });
const tcp = (port: number): Handler => ({ tcpSocket: { port } });

/** What the kubelet asks. It knows no protocol but HTTP: where a product speaks another one, an open port must do. */
function handlersFor(probe: ProbeSpec, context: KubernetesContext): Handlers {
  switch (probe.kind) {
    case 'postgres':
      return same(tcp(probe.port));
    case 'kafka':
      return same(tcp(portIn(`kafka://${probe.bootstrap}`)));
    case 's3':
      return same(tcp(portIn(probe.endpoint)));
    case 'clickhouse':
      return same(http(portIn(probe.url), '/ping'));
    case 'spark':
      return { ready: http(portIn(probe.url), '/healthz'), alive: http(portIn(probe.url), '/status') };
    case 'http':
      return { ready: http(portIn(probe.url), new URL(probe.url).pathname), alive: tcp(portIn(probe.url)) };
    case 'airflow-job': {
      const script = `${context.projectDir('templates')}/airflow/alive.py`;
      const ask = (mode: string): Handler => ({
        exec: { command: [context.python, ...pythonArguments, script, probe.job, mode] },
      });
      return { ready: ask('ready'), alive: ask('alive') };
    }
  }
}

const same = (handler: Handler): Handlers => ({ ready: handler, alive: handler });

const portIn = (address: string): number => Number(new URL(address).port);

/** Pods start all at once and on nodes that pull images meanwhile: they get longer than under a supervisor, which starts in order. */
const startFactor = 2;

/** Probes of a container, from the same specification that the supervisor works by. */
export function probesFor(service: ServiceSpec, context: KubernetesContext) {
  const { ready, alive } = handlersFor(service.probe, context);
  // A process is started for each of these.
  const costly = 'exec' in ready;
  const startPeriod = costly ? 10 : 2;
  const common = { timeoutSeconds: costly ? 10 : 5 };
  return {
    startupProbe: {
      ...ready,
      ...common,
      periodSeconds: startPeriod,
      failureThreshold: Math.ceil((startFactor * service.startTimeoutMs) / 1000 / startPeriod),
    },
    readinessProbe: {
      ...ready,
      ...common,
      periodSeconds: costly ? 30 : service.probeIntervalMs / 1000,
      failureThreshold: 3,
    },
    // Slow to act: a busy machine must not be made busier by restarts.
    livenessProbe: { ...alive, ...common, periodSeconds: costly ? 60 : 20, failureThreshold: 6 },
  };
}
