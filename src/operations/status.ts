import { catalogue } from '../components/catalogue.ts';
import type { ComponentReport, StatusReport } from '../core/reports.ts';
import { hasProcess } from '../core/service-spec.ts';
import { openStack, type StackRef } from './stack.ts';
import { writesOf } from './writes.ts';

/** What runs in a stack; changes nothing and needs nothing to run. */
export async function status(ref: StackRef): Promise<StatusReport> {
  const stack = await openStack(ref);
  const observed = await stack.runtime.observe();
  const endpoints = observed.services.length > 0 ? await stack.runtime.endpoints() : [];
  const order = catalogue.map(({ name }): string => name);
  const services = observed.services.toSorted((a, b) => order.indexOf(a.component) - order.indexOf(b.component));
  const components = services.map(
    (service): ComponentReport => ({
      name: service.name,
      component: service.component,
      state: service.state,
      detail: service.detail,
      pid: service.pid,
      pssBytes: service.pssBytes,
      memoryBudgetBytes: stack.memoryBudgetBytes(service.component),
      cpuPercent: service.cpuPercent,
      cpuSeconds: service.cpuSeconds,
      startedAt: service.startedAt,
      restarts: service.restarts,
      endpoints: endpoints
        .filter(({ component }) => component === service.component)
        .map(({ protocol, url }) => ({ protocol, url })),
    }),
  );
  // One that starts cannot answer yet, and writes nothing.
  const writing = services.filter((service) => hasProcess(service) && service.state !== 'starting');
  const writers = new Set<string>(writing.map(({ component }) => component));
  const supervisor =
    observed.supervisorPid === null ? null : { pid: observed.supervisorPid, pssBytes: observed.supervisorPssBytes };
  return {
    stack: stack.name,
    home: stack.home,
    runtime: stack.runtime.kind,
    context: stack.cluster?.context ?? null,
    profile: observed.profile,
    up: services.length > 0 && services.every(hasProcess),
    supervisor,
    components,
    totals: {
      pssBytes: components.reduce((sum, { pssBytes }) => sum + (pssBytes ?? 0), supervisor?.pssBytes ?? 0),
      cpuPercent: components.reduce((sum, { cpuPercent }) => sum + (cpuPercent ?? 0), 0),
    },
    writes: await writesOf(endpoints.filter(({ component }) => writers.has(component))),
  };
}
