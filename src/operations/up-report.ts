import type { ComponentDefinition } from '../components/contract.ts';
import type { UpReport } from '../core/reports.ts';
import type { Profile } from '../platform/profile.ts';
import type { OpenStack } from './stack.ts';

interface ReportRequest {
  dryRun: boolean;
  /** Why this runtime was taken. */
  reason: string;
}

/** What the speed layer needs to show an event in ClickHouse. */
const speedLayer: readonly string[] = ['postgres', 'kafka', 'clickhouse', 'spark'];

/** What is known before anything ran. */
export function plannedReport(request: ReportRequest, stack: OpenStack, profile: Profile): UpReport {
  return {
    stack: stack.name,
    profile: profile.name,
    runtime: stack.runtime.kind,
    runtimeReason: request.reason,
    dryRun: request.dryRun,
    plan: [],
    install: [],
    ports: {},
    elapsedMs: 0,
    speedLayerMs: null,
    components: [],
    totalPssBytes: 0,
    endpoints: [],
    secretsFile: stack.paths.secretsFile,
  };
}

/** What came up, where it is, and what it takes. */
export async function finalReport(
  request: ReportRequest,
  stack: OpenStack,
  profile: Profile,
  components: readonly ComponentDefinition[],
  { started, readyMs }: { started: number; readyMs: ReadonlyMap<string, number> },
): Promise<UpReport> {
  const observed = await stack.runtime.observe();
  const speedTimes = speedLayer.map((name) => readyMs.get(name));
  const endpoints = await stack.runtime.endpoints();
  return {
    ...plannedReport(request, stack, profile),
    ports: stack.ports,
    elapsedMs: performance.now() - started,
    speedLayerMs: speedTimes.some((time) => time === undefined)
      ? null
      : Math.max(...speedTimes.map((time) => time ?? 0)),
    components: components.map(({ name }) => {
      const instances = observed.services.filter(({ component }) => component === name);
      return {
        name,
        readyMs: readyMs.get(name) ?? 0,
        pssBytes: instances.reduce((sum, { pssBytes }) => sum + (pssBytes ?? 0), 0),
        detail: instances.map(({ lastProbe }) => lastProbe?.detail ?? '').join(' '),
      };
    }),
    totalPssBytes: observed.services.reduce(
      (sum, { pssBytes }) => sum + (pssBytes ?? 0),
      observed.supervisorPssBytes ?? 0,
    ),
    endpoints: endpoints.map(({ component, protocol, url, credential, description }) => ({
      component,
      protocol,
      url,
      user: credential === undefined ? null : stack.user(credential),
      description,
    })),
  };
}
