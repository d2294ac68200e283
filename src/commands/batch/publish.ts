import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchPublish extends BatchRun {
  static override summary = "A date's figures as metrics for Prometheus";
  static override description = 'Last step: data/metrics/batch.prom of the stack.';
  static override examples = ['<%= config.bin %> batch publish --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['publish'];
}
