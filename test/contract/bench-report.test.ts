import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { benchReportSchema } from '../../src/bench/report-schema.ts';
import { allReport, interruptedReport } from '../support/bench-reports.ts';

describe('the report of bench', () => {
  const schema = z.toJSONSchema(benchReportSchema, { io: 'input' });

  /** What scripts read and what is kept: a change shows in a file that a reviewer reads. Update with `npm test -- -u --project contract`. */
  it('has the shape of bench-report.schema.json', async () => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('bench-report.schema.json');
  });

  it('is described by a JSON Schema that accepts it and nothing half', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(allReport()), JSON.stringify(validate.errors)).toBe(true);
    expect(validate(interruptedReport())).toBe(true);
    expect(validate({ ...allReport(), ledger: undefined })).toBe(false);
    expect(validate({ ...allReport(), verdict: 'fine' })).toBe(false);
  });
});
