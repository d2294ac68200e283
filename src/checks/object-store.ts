import { bucket } from '../platform/pipeline.ts';
import { ensureBucket, tryObject } from '../probes/s3.ts';
import type { Check } from './contract.ts';
import { mendedBy, outcome } from './support.ts';

export const objectStore: Check = {
  name: 'object-store',
  area: 'components',
  title: 'The bucket of the lake takes, gives and deletes an object',
  needs: ['objectstore'],
  async run(context) {
    const server = await context.endpoint('objectstore', 's3');
    const { found, elapsedMs } = await tryObject(server, bucket, context.signal);
    if (found) return outcome(`bucket ${bucket}: an object written, read and deleted in ${Math.round(elapsedMs)} ms`);
    return outcome(`bucket ${bucket} is missing`, [
      {
        severity: 'error',
        what: `Bucket ${bucket} is missing from the object store`,
        why: 'Nothing can be archived, and the tables of the catalog point to files that are not there.',
        fix: mendedBy(context, 'object-store'),
        mend: async () =>
          (await ensureBucket(server, bucket)) ? `bucket ${bucket} created` : `bucket ${bucket} is there`,
      },
    ]);
  },
};
