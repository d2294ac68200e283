import { type Topic, topics } from '../platform/pipeline.ts';
import { asRegistered, type JsonSchema } from '../platform/schema.ts';
import { compareSchemas } from '../platform/schema-changes.ts';
import { RegistryClient } from '../probes/registry.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { commandFor, mendedBy, outcome, plural, schemasOf } from './support.ts';

type Described = Topic & { schema: string };

const described: readonly Described[] = topics.flatMap((topic) =>
  topic.schema === undefined ? [] : [{ ...topic, schema: topic.schema }],
);

export const registrySubjects: Check = {
  name: 'registry-subjects',
  area: 'data',
  title: 'Subjects of the schema registry against schemas/',
  needs: ['registry'],
  async run(context) {
    const registry = new RegistryClient(await context.endpoint('registry', 'http'));
    const schemas = await schemasOf(
      context,
      described.map(({ schema }) => schema),
    );
    const findings = await Promise.all(
      described.map((topic) => subjectFindings(context, registry, topic, schemas[topic.schema] ?? {})),
    );
    return outcome(`${plural(described.length, 'subject')} as in schemas/, compatibility as declared`, findings.flat());
  },
};

async function subjectFindings(
  context: CheckContext,
  registry: RegistryClient,
  { name, schema: file, compatibility = 'BACKWARD' }: Described,
  declared: JsonSchema,
): Promise<Finding[]> {
  const subject = `${name}-value`;
  const form = asRegistered(declared);
  const mend = async () => {
    await registry.register(subject, form);
    await registry.setCompatibility(subject, compatibility);
    return `${subject} registered, compatibility ${compatibility}`;
  };
  const fixable = { fix: mendedBy(context, 'registry-subjects'), mend };
  const registered = await registry.latest(subject);
  if (registered === null) {
    return [
      {
        severity: 'error',
        what: `Subject ${subject} has no version`,
        why: 'Clients that look the schema up fail, and an incompatible change would not be noticed.',
        ...fixable,
      },
    ];
  }
  const findings: Finding[] = [];
  if (JSON.stringify(registered.schema) !== JSON.stringify(form)) {
    // What stands there was registered by somebody as a JSON Schema of this subject.
    const changes = compareSchemas(registered.schema as JsonSchema, declared);
    const breaking = changes.filter(({ compatible }) => !compatible);
    const told = (breaking.length > 0 ? breaking : changes).map(({ field, change }) => `${field}: ${change}`);
    findings.push({
      severity: breaking.length > 0 ? 'error' : 'warning',
      what: `Subject ${subject} version ${registered.version} differs from schemas/${file}${told.length === 0 ? '' : ` (${told.slice(0, 3).join('; ')})`}`,
      why: 'Producers that follow the registry and the layers that follow schemas/ do not agree on the records.',
      ...(breaking.length > 0 ? { fix: { command: commandFor(context, 'schemas check'), safe: false } } : fixable),
    });
  }
  const level = await registry.compatibility(subject);
  if (level !== compatibility) {
    findings.push({
      severity: 'warning',
      what: `Subject ${subject} has compatibility ${level ?? 'of the registry (none of its own)'}, declared ${compatibility}`,
      why: 'A change that breaks readers of earlier records could be registered.',
      ...fixable,
    });
  }
  return findings;
}
