import { catalogue } from '../../components/catalogue.ts';
import type { ComponentDefinition, CredentialNeed, JobDefinition, RenderContext } from '../../components/contract.ts';
import { kafkaPerfJob } from '../../components/kafka/perf-job.ts';
import { loopbackNetwork } from '../../components/network.ts';
import { sparkBatchJob } from '../../components/spark/batch-job.ts';
import { lakeJob } from '../../components/spark/lake-job.ts';
import { certificatesOf } from '../../components/tls.ts';
import { dbtJob } from '../../components/warehouse/dbt-job.ts';
import { LambdaError } from '../../core/errors.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';

export interface CredentialUse {
  /** Components whose processes are given it, in the catalogue's order. */
  components: readonly ComponentName[];
  /** Jobs, which are given it each time they run. */
  jobs: readonly string[];
}

const jobs: readonly JobDefinition[] = [sparkBatchJob, lakeJob, dbtJob, kafkaPerfJob];

/**
 * Who is given which credential: not declared a second time, but seen by rendering every component and job with stand-ins and noting
 * what it asks for.
 * @param chosen components of the stack
 */
export function credentialUses(
  profile: Profile,
  chosen: readonly ComponentDefinition[] = catalogue,
): ReadonlyMap<string, CredentialUse> {
  const uses = new Map<string, { components: Set<ComponentName>; jobs: Set<string> }>();
  const note = (id: string, user: (use: { components: Set<ComponentName>; jobs: Set<string> }) => void) => {
    const use = uses.get(id) ?? { components: new Set(), jobs: new Set() };
    uses.set(id, use);
    user(use);
  };
  for (const component of chosen) {
    const context = noting(profile, (id) => note(id, (use) => use.components.add(component.name)));
    for (const instance of component.instances(profile)) attempt(() => component.render(context, instance));
  }
  for (const job of jobs) {
    const context = noting(profile, (id) => note(id, (use) => use.jobs.add(job.name)));
    attempt(() => job.render(context, []));
  }
  return new Map([...uses].map(([id, use]) => [id, { components: [...use.components], jobs: [...use.jobs] }]));
}

/** What a component refuses to render in this profile it does not use in it either. */
function attempt(render: () => unknown): void {
  try {
    render();
  } catch (error) {
    if (!(error instanceof LambdaError)) throw error;
  }
}

/** A context of stand-ins: enough for everything that is pure. Only the secret counts; a user's name alone opens nothing. */
function noting(profile: Profile, asked: (id: string) => void): RenderContext {
  const secret = (id: string) => {
    asked(id);
    return 'secret';
  };
  return {
    stack: 'stack',
    profile,
    ...loopbackNetwork,
    port: () => 1,
    user: () => 'user',
    secret,
    // Where only clusters have them, no stack on one machine has such a credential to ask about.
    certificates: certificatesOf(profile, 'kubernetes', secret),
    artifact: (name) => ({ root: `/artifacts/${name}`, classPath: [`/artifacts/${name}/${name}.jar`] }),
    dir: (instance, kind) => `/stacks/stack/${kind}/${instance}`,
    projectDir: (kind) => `/project/${kind}`,
    projectHash: () => '',
    template: () => '',
    python: 'python3',
  };
}

/** Every credential that components declare, with the component that declares it. */
export function declaredCredentials(
  chosen: readonly ComponentDefinition[],
): readonly (CredentialNeed & { owner: ComponentName })[] {
  return chosen.flatMap(({ name, credentials }) => credentials.map((need) => ({ ...need, owner: name })));
}
