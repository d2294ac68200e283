import { type Topic, topics } from '../platform/pipeline.ts';
import { asRegistered, type JsonSchema } from '../platform/schema.ts';
import { compareSchemas } from '../platform/schema-changes.ts';
import { RegistryClient } from '../probes/registry.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { mendedBy, outcome, plural, schemasOf, some } from './support.ts';

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
    const subjects = await Promise.all(
      described.map(async (topic) => ({ topic, registered: await registry.latest(subjectOf(topic)) })),
    );
    const put = (topic: Described) => register(registry, topic, schemas[topic.schema] ?? {});
    const missing = subjects.flatMap(({ topic, registered }) => (registered === null ? [topic] : []));
    const findings = await Promise.all(
      subjects.map(({ topic, registered }) =>
        registered === null
          ? []
          : subjectFindings(context, registry, { topic, registered, put }, schemas[topic.schema] ?? {}),
      ),
    );
    return outcome(`${plural(described.length, 'subject')} as in schemas/, compatibility as declared`, [
      missing.length === 0 ? null : missingFinding(context, missing, put),
      ...findings.flat(),
    ]);
  },
};

const subjectOf = ({ name }: Topic): string => `${name}-value`;

type Put = (topic: Described) => Promise<string>;

async function register(registry: RegistryClient, topic: Described, declared: JsonSchema): Promise<string> {
  const { compatibility = 'BACKWARD' } = topic;
  await registry.register(subjectOf(topic), asRegistered(declared));
  await registry.setCompatibility(subjectOf(topic), compatibility);
  return `${subjectOf(topic)} registered, compatibility ${compatibility}`;
}

const missingFinding = (context: CheckContext, missing: readonly Described[], put: Put): Finding => ({
  severity: 'error',
  what: `${plural(missing.length, 'subject')} without a version: ${some(missing.map(subjectOf))}`,
  why: 'Clients that look the schema up fail, and an incompatible change would not be noticed.',
  fix: mendedBy(context, 'registry-subjects'),
  mend: async () => (await Promise.all(missing.map(put))).join('; '),
});

async function subjectFindings(
  context: CheckContext,
  registry: RegistryClient,
  { topic, registered, put }: { topic: Described; registered: { version: number; schema: object }; put: Put },
  declared: JsonSchema,
): Promise<Finding[]> {
  const { schema: file, compatibility = 'BACKWARD' } = topic;
  const subject = subjectOf(topic);
  const form = asRegistered(declared);
  const fixable = { fix: mendedBy(context, 'registry-subjects'), mend: () => put(topic) };
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
