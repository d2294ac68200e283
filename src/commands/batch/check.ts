import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchCheck extends BatchRun {
  static override summary = 'Wait until the lake holds everything that Kafka holds now';
  static override description = 'First step of a batch; without it nobody knows what the batch is complete up to.';
  static override examples = ['<%= config.bin %> batch check --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['check'];
}
