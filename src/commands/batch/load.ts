import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchLoad extends BatchRun {
  static override summary = 'A date from the stage to RAW, replacing it';
  static override description = 'Third step: one transaction; what the last run of the spark step made.';
  static override examples = ['<%= config.bin %> batch load --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['load'];
}
