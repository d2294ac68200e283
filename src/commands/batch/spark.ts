import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchSpark extends BatchRun {
  static override summary = 'A date from the lake to the stage, as Parquet';
  static override description = 'Second step: first record of every id, by the rules of the speed layer.';
  static override examples = ['<%= config.bin %> batch spark --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['spark'];
}
