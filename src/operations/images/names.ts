import { catalogue } from '../../components/catalogue.ts';
import type { ArtifactName } from '../../components/contract.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { componentName } from '../selection.ts';

/** One image of ours: a component and the jobs that use its programs. */
export interface ImagePlan {
  component: ComponentName;
  artifacts: readonly ArtifactName[];
  /** Programs of the base, each with the Debian package that brings it. */
  packages: readonly { program: string; name: string }[];
  /** Compiled Python packages lie in it: the base's Python has to be of their version. */
  compiledPython: boolean;
  /** Tasks call lambdactl itself. */
  cli: boolean;
}

const python = { program: 'python3', name: 'python3' };
const git = { program: 'git', name: 'git' };
/** git over https has to know whom to trust; there is no program of that name, so the package is asked for by what it brings. */
const certificates = { program: 'update-ca-certificates', name: 'ca-certificates' };

const besides: Partial<Record<ComponentName, Partial<Pick<ImagePlan, 'packages' | 'compiledPython' | 'cli'>>>> = {
  clickhouse: { packages: [python] },
  warehouse: { packages: [python], compiledPython: true },
  airflow: { packages: [python, git, certificates], compiledPython: true, cli: true },
};

/**
 * The images of these components, of all when none is named, in the catalogue's order.
 * @throws LambdaError UNKNOWN_COMPONENT
 */
export function imagePlans(names: readonly string[] = []): readonly ImagePlan[] {
  const wanted = names.map(componentName);
  return catalogue
    .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
    .map(({ name, artifacts }) => ({
      component: name,
      artifacts,
      packages: [],
      compiledPython: false,
      cli: false,
      ...besides[name],
    }));
}

/** What runs in a pod of the component; `own` is false where the profile names another image in its place. */
export function imageReference(
  { kubernetes: { images } }: Profile,
  component: ComponentName,
  tag: string,
): { reference: string; own: boolean } {
  const override = images.overrides[component];
  if (override !== undefined) return { reference: override, own: false };
  return { reference: `${images.prefix}/${component}:${tag}`, own: true };
}
