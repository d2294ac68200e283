import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchQuality extends BatchRun {
  static override summary =
    'Score a date on both layers by the rules of dags-repo/quality; exit 10 below the threshold';
  static override description = 'Fifth step.';
  static override examples = ['<%= config.bin %> batch quality --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['quality'];
}
