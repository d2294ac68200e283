import { join } from 'node:path';
import type { ArtifactName, ComponentDefinition, InstalledArtifact, RenderContext } from '../../components/contract.ts';
import { loopbackNetwork } from '../../components/network.ts';
import { certificatesOf } from '../../components/tls.ts';
import { LambdaError } from '../../core/errors.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { StackPaths } from '../../state/paths.ts';
import { hashTree } from '../../system/files.ts';
import type { Wanted } from '../wanted.ts';

export interface EmbeddedOptions {
  /** Absolute. */
  home: string;
  stack: string;
  /** Directory that holds templates, schemas and dags-repo. */
  projectRoot: string;
  /** Version of lambdactl, told by the supervisor it starts. */
  version: string;
  components: readonly ComponentDefinition[];
  /** null when nothing is to be started: whatever needs an artifact then throws NOT_INSTALLED. */
  artifacts: ReadonlyMap<ArtifactName, InstalledArtifact> | null;
  /** Absolute path of a Python >= 3.11. */
  python: string;
  /** The supervisor's entry file; the one beside this file when absent. */
  daemon?: string;
}

const noTemplates: RenderContext['template'] = (path) => {
  throw new Error(`template ${path} is not for this place`);
};

/** What components see. */
export function renderContext(
  options: EmbeddedOptions,
  paths: StackPaths,
  { desired, profile, credentials }: Wanted,
  template = noTemplates,
): RenderContext {
  const credential = (id: string) => {
    const found = credentials[id];
    if (found === undefined) throw new Error(`credential ${id} was not declared or never made`);
    return found;
  };
  return {
    stack: paths.stack,
    profile,
    ...loopbackNetwork,
    port: (id) => {
      const port = desired.ports[id];
      if (port === undefined) throw new Error(`port ${id} was not declared or never chosen`);
      return port;
    },
    user: (id) => credential(id).user,
    secret: (id) => credential(id).secret,
    certificates: certificatesOf(profile, 'embedded', (id) => credential(id).secret),
    artifact: (name) => installed(options.artifacts, name),
    dir: (instance, kind) => paths.dir(instance, kind),
    projectDir: (kind) => join(options.projectRoot, kind),
    projectHash: (path) => hashTree(join(options.projectRoot, path)),
    template,
    python: options.python,
  };
}

function installed(artifacts: EmbeddedOptions['artifacts'], name: ArtifactName): InstalledArtifact {
  const artifact = artifacts?.get(name);
  if (artifact !== undefined) return artifact;
  throw new LambdaError(`Artifact ${name} is not installed.`, {
    code: 'NOT_INSTALLED',
    category: 'preflight',
    actions: ['Run `lambdactl up`; it installs what is missing.'],
  });
}

export function definitionOf(options: EmbeddedOptions, name: ComponentName): ComponentDefinition {
  const found = options.components.find((definition) => definition.name === name);
  if (found === undefined) throw new Error(`component ${name} has no definition`);
  return found;
}
