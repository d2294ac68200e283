import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import { benchScenarios } from '../core/bench-report.ts';
import { LambdaError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { bench } from '../operations/bench/bench.ts';
import { compareBench, comparisonFor } from '../operations/bench/compare.ts';
import { plotLibrary } from '../operations/bench/plot-library.ts';
import type { BenchRequest } from '../operations/bench/request.ts';
import { writeReport } from '../operations/reconcile/files.ts';
import { up } from '../operations/up.ts';
import { benchCompareText } from '../output/bench-compare-text.ts';
import { benchHtml } from '../output/bench-html.ts';
import { benchText } from '../output/bench-text.ts';
import { textWidth } from '../output/width.ts';

export default class Bench extends BaseCommand {
  static override summary = 'Measure the platform under load, and count every id at every hop';
  static override description =
    'Latency is from when an event was due until it is visible; lost, doubled, alien and altered records are counted by id at Kafka, ClickHouse and its views, Iceberg, the warehouse and the marts. Exit code 0: every threshold of the profile is held, 10: one is missed.';
  static override examples = [
    '<%= config.bin %> bench speed --rate 20000 --duration 5m',
    '<%= config.bin %> bench speed --find-max --html max.html',
    '<%= config.bin %> bench batch --events 1000000 --json',
    '<%= config.bin %> bench all --compare latest',
  ];
  static override args = {
    scenario: Args.string({ description: `${benchScenarios.join(', ')} or all`, default: 'speed' }),
  };
  static override flags = withEnvironment({
    rate: Flags.string({ char: 'r', description: 'Records a second', helpValue: 'N' }),
    duration: Flags.string({ char: 'd', description: 'How long to measure, e.g. 60s, 5m', helpValue: 'TIME' }),
    warmup: Flags.string({ description: 'Load before that, left out of latency and CPU', helpValue: 'TIME' }),
    'find-max': Flags.boolean({ description: 'Look for the highest rate that holds the thresholds (speed)' }),
    events: Flags.string({ description: 'Events of the day (batch)', helpValue: 'N' }),
    concurrency: Flags.string({ description: 'Dashboards that ask at a time (query)', helpValue: 'N' }),
    seed: Flags.string({ description: 'Of the generator; drawn when absent', helpValue: 'N' }),
    html: Flags.string({ description: 'Also write a report to open in a browser', helpValue: 'FILE' }),
    compare: Flags.string({ description: 'Compare with a kept run: its id, "latest" or "previous"', helpValue: 'RUN' }),
    'in-cluster': Flags.boolean({
      description: 'Run within the cluster, for rates that the way from here does not carry',
    }),
    up: Flags.boolean({ description: 'Bring the stack up first where it is not' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { args, flags } = await this.parse(Bench);
    const { rate, duration, warmup, seed, events, concurrency } = flags;
    const request: BenchRequest = {
      ...this.stackOf(flags),
      ...{ scenario: args.scenario, rate, duration, warmup, seed, events, concurrency, findMax: flags['find-max'] },
      inCluster: flags['in-cluster'],
    };
    const other = flags.compare === undefined ? null : await comparisonFor(request, flags.compare, args.scenario);
    const { report, file } = await this.benchOrUp(request, flags.up, context);
    if (flags.html !== undefined) await writeReport(flags.html, benchHtml(report, plotLibrary()));
    const comparison = other === null ? null : await compareBench(request, { a: other, b: report.id });
    const width = textWidth();
    const text = [
      benchText(report, { width, ...(file === null ? {} : { file }) }),
      ...(comparison === null ? [] : [benchCompareText(comparison, width)]),
    ].join('\n\n');
    return {
      data: comparison === null ? report : { ...report, comparison },
      text,
      ok: report.verdict === 'pass',
      interrupted: report.partial,
    };
  }

  /** A stack that is not up is offered to be brought up. */
  private async benchOrUp(request: BenchRequest, mayUp: boolean, context: OperationContext) {
    try {
      return await bench(request, context);
    } catch (error) {
      if (!(error instanceof LambdaError && error.code === 'NOT_UP')) throw error;
      if (!mayUp && !(await this.confirm(`${error.message} Bring it up?`))) throw error;
      const { home, stack } = request;
      const fixed = {
        profile: undefined,
        only: [],
        without: [],
        dryRun: false,
        ports: {},
        anyPort: false,
        force: false,
        context: undefined,
        confirm: (question: string) => this.confirm(question),
      };
      await up({ home, stack, ...fixed, runtime: 'auto' }, context);
      return bench(request, context);
    }
  }
}
