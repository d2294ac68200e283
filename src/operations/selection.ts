import { type ComponentDefinition, dependenciesOf } from '../components/contract.ts';
import { usageError } from '../core/errors.ts';
import { type ComponentName, componentNames } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';

/**
 * The components of --only and --without. What a chosen component depends on comes along.
 * @throws LambdaError UNKNOWN_COMPONENT, COMPONENT_NEEDED
 */
export function selectComponents(
  catalogue: readonly ComponentDefinition[],
  only: readonly string[],
  without: readonly string[],
  profile: Profile,
): ComponentDefinition[] {
  const unwanted = new Set(without.map(componentName));
  const wanted = new Set<ComponentName>();
  const add = (name: ComponentName, because: string | null) => {
    if (unwanted.has(name)) {
      if (because === null) return;
      throw usageError(`--without ${name}: ${because} needs it.`, {
        code: 'COMPONENT_NEEDED',
        actions: [`Leave ${because} out as well: --without ${name} --without ${because}`],
      });
    }
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const other of dependenciesOf(definitionOf(catalogue, name), profile)) add(other, name);
  };
  for (const name of only.length > 0 ? only.map(componentName) : catalogue.map(({ name }) => name)) add(name, null);
  return catalogue.filter(({ name }) => wanted.has(name));
}

/** @throws LambdaError UNKNOWN_COMPONENT */
export function componentName(text: string): ComponentName {
  const found = componentNames.find((name) => name === text);
  if (found !== undefined) return found;
  throw usageError(`There is no component "${text}".`, {
    code: 'UNKNOWN_COMPONENT',
    actions: [`Components: ${componentNames.join(', ')}.`],
  });
}

function definitionOf(catalogue: readonly ComponentDefinition[], name: ComponentName): ComponentDefinition {
  const found = catalogue.find((definition) => definition.name === name);
  if (found === undefined) throw new Error(`component ${name} has no definition`);
  return found;
}
