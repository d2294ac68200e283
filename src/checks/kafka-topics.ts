import { archives } from '../components/connect/component.ts';
import { controlTopic } from '../components/connect/connectors.ts';
import { type DeclaredTopic, declaredTopics } from '../components/kafka/topics.ts';
import { ensureTopics } from '../probes/kafka.ts';
import { inspectKafka, type TopicState } from '../probes/kafka-inspect.ts';
import { upCommand } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { brokersOf, mendedBy, outcome, plural, some } from './support.ts';

export const kafkaTopics: Check = {
  name: 'kafka-topics',
  area: 'components',
  title: 'Topics are there, led, replicated and set as declared',
  needs: ['kafka'],
  async run(context) {
    const { profile } = context;
    const declared: DeclaredTopic[] = declaredTopics(profile);
    if (archives(profile) && context.wanted.includes('connect')) declared.push(controlTopic(profile));
    const brokers = await brokersOf(context);
    const settings = Object.fromEntries(declared.map(({ name, config }) => [name, Object.keys(config)]));
    const present = await inspectKafka(brokers, (kafka) => kafka.topics(settings));
    const mend = async () => {
      const { created, altered } = await ensureTopics(brokers, declared);
      return [...created.map((name) => `${name} created`), ...altered.map((name) => `${name} altered`)].join(', ');
    };
    const fixable = { fix: mendedBy(context, 'kafka-topics'), mend };
    const partitions = [...present.values()].reduce((sum, topic) => sum + topic.partitions, 0);
    return outcome(`${plural(declared.length, 'topic')}, ${plural(partitions, 'partition')}, all led and in sync`, [
      missing(declared, present, fixable),
      ...declared.flatMap((topic) => drift(context, topic, present.get(topic.name), fixable)),
      ...availability(context, present),
    ]);
  },
};

type Fixable = Pick<Finding, 'fix' | 'mend'>;

function missing(declared: readonly DeclaredTopic[], present: ReadonlyMap<string, TopicState>, fixable: Fixable) {
  const names = declared.map(({ name }) => name).filter((name) => !present.has(name));
  if (names.length === 0) return null;
  return {
    severity: 'error' as const,
    what: `${plural(names.length, 'topic')} of the pipeline missing: ${some(names)}`,
    why: 'Producers are refused and whoever reads the topic waits; what the deleted topic held is gone from Kafka.',
    ...fixable,
  };
}

function drift(
  context: CheckContext,
  topic: DeclaredTopic,
  state: TopicState | undefined,
  fixable: Fixable,
): Finding[] {
  if (state === undefined) return [];
  const findings: Finding[] = [];
  const differing = Object.entries(topic.config).filter(([key, value]) => state.config[key] !== value);
  if (differing.length > 0) {
    const texts = differing.map(([key, value]) => `${key} is ${state.config[key] ?? 'unset'}, declared ${value}`);
    findings.push({
      severity: 'warning',
      what: `Topic ${topic.name}: ${texts.join('; ')}`,
      why: 'Records are kept for longer or shorter than the pipeline counts on, or acknowledged by too few brokers.',
      ...fixable,
    });
  }
  if (state.partitions < topic.partitions) {
    findings.push({
      severity: 'warning',
      what: `Topic ${topic.name} has ${state.partitions} partitions, declared ${topic.partitions}`,
      why: 'Fewer readers than planned can share the work. More partitions move keys: records of one key written before and after lie in two.',
      fix: { command: upCommand(context), safe: false },
    });
  }
  return findings;
}

function availability(context: CheckContext, present: ReadonlyMap<string, TopicState>): Finding[] {
  const list = (of: (state: TopicState) => readonly number[]) =>
    [...present].flatMap(([name, state]) => of(state).map((partition) => `${name}-${partition}`));
  const offline = list((state) => state.offline);
  const behind = list((state) => state.underReplicated);
  const restart = { command: upCommand(context), safe: true };
  return [
    ...(offline.length === 0
      ? []
      : [
          {
            severity: 'error' as const,
            what: `${plural(offline.length, 'partition')} without a leader: ${some(offline)}`,
            why: 'Nothing can be written to or read from them; the broker that holds them does not run or lost its disk.',
            fix: restart,
          },
        ]),
    ...(behind.length === 0
      ? []
      : [
          {
            severity: 'warning' as const,
            what: `${plural(behind.length, 'partition')} under-replicated: ${some(behind)}`,
            why: 'Another broker that fails may take acknowledged records with it, or stop writes.',
            fix: restart,
          },
        ]),
  ];
}
