import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { endOffsets } from './kafka.ts';

/** A port on which nothing listens any more. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo; // a TCP server's address
  await new Promise((settle) => server.close(settle));
  return port;
}

it('says which brokers did not do what, and that it may be asked again', async () => {
  const broker = `127.0.0.1:${await freePort()}`;
  const message = expect.stringMatching(new RegExp(`^Kafka at ${broker} does not tell its offsets: .`));
  await expect(endOffsets([broker], ['user_events'])).rejects.toMatchObject({
    code: 'KAFKA_REFUSED',
    category: 'external',
    message,
    retryable: true,
  });
});
