import { bucket } from '../../platform/pipeline.ts';
import { ensureBucket } from '../../probes/s3.ts';
import type { ProvisionContext } from './context.ts';

export async function provisionObjectstore({ runtime }: ProvisionContext): Promise<string> {
  const created = await ensureBucket(await runtime.endpoint('objectstore', 's3'), bucket);
  return created ? `bucket ${bucket} created` : `bucket ${bucket}`;
}
