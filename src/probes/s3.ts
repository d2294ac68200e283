import { AwsClient } from 'aws4fetch';
import { externalError } from '../core/errors.ts';
import { persistently } from './resilience.ts';
import type { Server } from './server.ts';

/** Creates the bucket unless it is there; may be repeated. @returns whether it was created @throws LambdaError S3_REFUSED */
export function ensureBucket(server: Server, bucket: string): Promise<boolean> {
  return persistently(`object store at ${server.url}`, () => makeBucket(server, bucket));
}

async function makeBucket({ url, user, password }: Server, bucket: string): Promise<boolean> {
  const client = new AwsClient({
    accessKeyId: user ?? '',
    secretAccessKey: password ?? '',
    service: 's3',
    region: 'us-east-1',
    // Above, where the network's own errors are retried too.
    retries: 0,
  });
  const address = `${url.replace(/\/$/, '')}/${bucket}`;
  const present = await client.fetch(address, { method: 'HEAD' });
  if (present.ok) return false;
  const created = await client.fetch(address, { method: 'PUT' });
  if (created.ok || created.status === 409) return created.ok;
  throw externalError(
    `The object store refused to create bucket ${bucket}: ${created.status} ${await created.text()}`,
    {
      code: 'S3_REFUSED',
      retryable: created.status >= 500,
      actions: ['lambdactl logs objectstore'],
    },
  );
}
