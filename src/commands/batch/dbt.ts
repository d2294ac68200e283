import type { BatchStep } from '../../operations/batch/run.ts';
import BatchRun from './run.ts';

export default class BatchDbt extends BatchRun {
  static override summary = 'STAGING and MARTS of a date, with the tests about it';
  static override description = 'Fourth step; exit 10 when a test fails. Any dbt command: lambdactl dbt.';
  static override examples = ['<%= config.bin %> batch dbt --date yesterday'];
  protected override readonly steps: readonly BatchStep[] = ['dbt'];
}
