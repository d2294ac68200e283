import type { ArtifactName, InstalledArtifact } from '../artifacts/names.ts';
import type { CommandSpec, RenderedFile, ServiceSpec } from '../core/service-spec.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';
import type { Certificates } from './tls.ts';

export type { ArtifactName, InstalledArtifact };

/** One product. Pure: data in, data out; no process is started and no file is written here (docs/adr/0003). */
export interface ComponentDefinition {
  name: ComponentName;
  title: string;
  /** Must be ready (healthy and provisioned) before this one starts. */
  dependsOn: readonly ComponentName[];
  /** What it depends on besides, in this profile. */
  alsoDependsOn?(profile: Profile): readonly ComponentName[];
  /** Where these start as well, it lets them go first: what is off the speed layer's path leaves the cores to it. */
  startsAfter?: readonly ComponentName[];
  artifacts: readonly ArtifactName[];
  /** Instance names in this profile; the component's own name where there is one. */
  instances(profile: Profile): readonly string[];
  ports(profile: Profile): readonly PortNeed[];
  credentials: readonly CredentialNeed[];
  /** Its instances have certificates where the profile wants TLS. */
  servesTls?: boolean;
  /** Config files and start spec of one instance. */
  render(context: RenderContext, instance: string): InstancePlan;
  endpoints(context: RenderContext): readonly Endpoint[];
}

/** Everything that must be ready before a component starts. */
export function dependenciesOf(definition: ComponentDefinition, profile: Profile): readonly ComponentName[] {
  return [...definition.dependsOn, ...(definition.alsoDependsOn?.(profile) ?? [])];
}

export interface PortNeed {
  /** Unique in the stack: "<instance>.<name>", e.g. "kafka-1.broker". */
  id: string;
  instance: string;
  /** Preferred port of the default stack. */
  preferred: number;
}

export interface CredentialNeed {
  /** Unique in the stack, e.g. "postgres.superuser". */
  id: string;
  user: string;
  /** password: 24 url-safe characters; accessKey: 20 upper-case; uuid: random; clusterId: 22-char base64 uuid (Kafka). */
  kind: 'password' | 'accessKey' | 'uuid' | 'clusterId';
}

/** Everything a component may look at when it renders. */
export interface RenderContext {
  stack: string;
  profile: Profile;
  /** Address that servers bind to. */
  listenHost: string;
  /** Addresses that clients come from, as CIDR. */
  clientNetwork: string;
  /** Address under which the other components reach an instance. */
  hostOf(instance: string): string;
  /** Where the user's own programs reach a port, if not under hostOf() and port(). */
  outside(portId: string): { host: string; port: number } | null;
  /** @throws when the id was not declared in ports(). */
  port(id: string): number;
  user(credentialId: string): string;
  secret(credentialId: string): string;
  /** null where the stack's programs do not speak TLS with each other. */
  certificates: Certificates | null;
  artifact(name: ArtifactName): InstalledArtifact;
  /** Absolute directory of an instance: data survives down, conf is rewritten by up, run holds pids and sockets, cache may be deleted. */
  dir(instance: string, kind: 'data' | 'conf' | 'run' | 'cache'): string;
  /** Absolute directory of files that ship with the project: templates, schemas, dags-repo. */
  projectDir(kind: 'templates' | 'schemas' | 'dags-repo'): string;
  /** Hash of all files there: put into a config file, it restarts what reads them when they changed. */
  projectHash(path: 'schemas' | 'dags-repo/spark' | 'dags-repo/connect'): string;
  /** A file of templates/ rendered with eta: <%= it.name %>. */
  template(path: string, data: Record<string, unknown>): string;
  /** Absolute path of a Python >= 3.11. */
  python: string;
}

export interface InstancePlan {
  files: readonly RenderedFile[];
  service: ServiceSpec;
}

export interface Endpoint {
  component: ComponentName;
  /** e.g. "sql", "kafka", "http", "s3", "rest". */
  protocol: string;
  url: string;
  /** Credential to use, by id; its secret is never part of the url. */
  credential?: string;
  /** It speaks TLS, with a certificate of the stack's authority. */
  tls?: boolean;
  description: string;
}

export type JobName = 'spark-batch' | 'lake' | 'dbt' | 'kafka-perf' | 'lambdactl';

/** A one-shot program of the batch layer. Pure like a component; `Runtime.run` carries it out. */
export interface JobDefinition {
  name: JobName;
  title: string;
  /** Whose endpoints it uses; these must run. */
  dependsOn: readonly ComponentName[];
  artifacts: readonly ArtifactName[];
  /** The command for these arguments. `dir(<job name>, kind)` is the job's own. Secrets go into env. */
  render(context: RenderContext, args: readonly string[]): JobPlan;
}

export interface JobPlan {
  files: readonly RenderedFile[];
  command: CommandSpec;
}
