import { AwsClient } from 'aws4fetch';
import { externalError, messageOf } from '../core/errors.ts';

export interface BucketAccess {
  bucket: string;
  region: string;
  accessKey: string;
  secretKey: string;
}

/** Whether a real account's keys may list the bucket. @throws LambdaError S3_REFUSED with the service's own code */
export async function checkBucket({ bucket, region, accessKey, secretKey }: BucketAccess): Promise<void> {
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    service: 's3',
    region,
    retries: 1,
  });
  const answer = await client
    .fetch(`https://${bucket}.s3.${region}.amazonaws.com/?list-type=2&max-keys=1`, {
      signal: AbortSignal.timeout(15_000),
    })
    .catch((error: unknown) => {
      throw refused(`S3 in ${region} does not answer: ${messageOf(error)}`, error);
    });
  if (answer.ok) return;
  const code = /<Code>([^<]+)</.exec(await answer.text())?.[1] ?? String(answer.status);
  throw refused(`S3 refuses bucket ${bucket} in ${region}: ${code}`);
}

function refused(message: string, cause?: unknown) {
  return externalError(message, {
    code: 'S3_REFUSED',
    actions: [
      'Check bucket and region in the profile, and the rights of the key: s3:ListBucket, s3:GetObject, s3:PutObject.',
    ],
    ...(cause === undefined ? {} : { cause }),
  });
}
