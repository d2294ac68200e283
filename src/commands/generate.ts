import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { generate } from '../operations/generate.ts';
import { generateText } from '../output/generate-text.ts';

const badKind = (what: string) =>
  Flags.string({ description: `Share of ${what}`, helpValue: '0..0.5', helpGroup: 'BAD DATA' });

export default class Generate extends BaseCommand {
  static override summary = 'Generate shop events: sessions as journeys, deterministic by seed';
  static override description =
    'Events go into the running stack’s Kafka by default. The same --seed, --rate and --start-time give the same events, so that a run can be repeated and its ids counted again.';
  static override examples = [
    '<%= config.bin %> generate --rate 1000 --duration 60s',
    '<%= config.bin %> generate --rate 20000 --duration 60s --seed 7 --json',
    '<%= config.bin %> generate --rate 100 --sink stdout | head',
    '<%= config.bin %> generate --rate max --count 1000000 --sink file --file events.jsonl',
    '<%= config.bin %> generate --rate 500 --duration 5m --bad-rate 0.02 --shape spike',
    '<%= config.bin %> generate --rate 50000 --duration 5m --in-cluster',
  ];
  static override flags = withEnvironment({
    rate: Flags.string({ char: 'r', description: 'Events a second, or "max"', default: '100', helpValue: 'N|max' }),
    duration: Flags.string({
      char: 'd',
      description: 'How long, e.g. 60s, 5m; until Ctrl-C when absent',
      helpValue: 'TIME',
    }),
    count: Flags.string({ char: 'n', description: 'How many events', helpValue: 'N' }),
    seed: Flags.string({ description: 'Whole number that determines all events; drawn when absent', helpValue: 'N' }),
    'start-time': Flags.string({
      description: 'Event time of the first event, ISO 8601; now when absent',
      helpValue: 'TIME',
    }),
    unpaced: Flags.boolean({ description: 'Event time passes at the rate, but nothing waits for the clock' }),
    shape: Flags.option({
      options: ['steady', 'ramp', 'spike', 'day-curve'] as const,
      default: 'steady' as const,
      description: 'How the rate changes',
    })(),
    sink: Flags.option({
      options: ['kafka', 'file', 'stdout', 'null'] as const,
      default: 'kafka' as const,
      description: 'Where events go',
    })(),
    file: Flags.string({ description: 'JSON Lines file of --sink file', helpValue: 'PATH' }),
    bootstrap: Flags.string({ description: 'Kafka other than the stack’s, host:port', helpValue: 'HOST:PORT' }),
    'bootstrap-ca': Flags.string({
      description: 'Certificate that verifies it, as PEM: it speaks TLS then',
      helpValue: 'PATH',
    }),
    'in-cluster': Flags.boolean({
      description: 'Run beside Kafka in the cluster, for rates that the way from here does not carry',
    }),
    compression: Flags.option({
      options: ['lz4', 'snappy', 'zstd', 'none'] as const,
      default: 'lz4' as const,
      description: 'Of Kafka batches',
    })(),
    users: Flags.string({ description: 'Registered users; as many as were seeded is a good choice', default: '10000' }),
    products: Flags.string({ description: 'Products of the catalogue', default: '1000' }),
    sessions: Flags.string({ description: 'Sessions at a time; follows the rate when absent' }),
    'new-user-share': Flags.string({
      description: 'Share of sessions by users who join while it runs',
      helpValue: '0..0.2',
    }),
    'bad-rate': Flags.string({
      description: 'Share of bad records in all, over every kind',
      helpValue: '0..0.5',
      helpGroup: 'BAD DATA',
    }),
    'malformed-rate': badKind('malformed JSON'),
    'missing-field-rate': badKind('records that lack a field'),
    'wrong-type-rate': badKind('fields of a wrong type'),
    'unknown-event-type-rate': badKind('unknown event types'),
    'future-rate': badKind('timestamps in the future'),
    'late-rate': badKind('timestamps far in the past'),
    'duplicate-rate': badKind('exact re-sends'),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Generate);
    const data = await generate({ ...this.stackOf(flags), flags }, context);
    // Events have stdout to themselves.
    return flags.sink === 'stdout' ? { data } : { data, text: generateText(data) };
  }
}
