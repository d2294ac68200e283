import { addressesIn, type Bootstrap } from '../core/bootstrap.ts';
import { exchangeTcp } from '../system/tcp.ts';
import type { Server } from './server.ts';

export interface KafkaBrokers {
  brokers: readonly { id: number; host: string; port: number }[];
  /** Node id of the active controller, -1 when there is none. */
  controller: number;
}

/** Every broker, out of the address of Kafka's endpoint, with a scheme or without. */
export function brokersIn({ url, authority }: Pick<Server, 'url' | 'authority'>): Bootstrap {
  const servers = url.replace(/^kafka:\/\//, '').split(',');
  return authority === undefined ? servers : { servers, authority };
}

/** For messages. */
export const named = (bootstrap: Bootstrap): string => addressesIn(bootstrap).join(', ');

/** As the client library's connections take it. */
export const secured = (bootstrap: Bootstrap): { tls?: { ca: string } } =>
  'servers' in bootstrap ? { tls: { ca: bootstrap.authority } } : {};

/** As the client library's clients take it. */
export const clientOf = (bootstrap: Bootstrap): { bootstrapBrokers: string[]; tls?: { ca: string } } => ({
  bootstrapBrokers: [...addressesIn(bootstrap)],
  ...secured(bootstrap),
});

const metadataKey = 3;
/** The oldest that names the controller; in it an empty list of topics means none. */
const metadataVersion = 1;

/**
 * Asks one broker which brokers are alive. One request by hand: a whole client would cost the supervisor 60 MB.
 * @throws Error when nothing answers, or not in Kafka's protocol
 */
export async function kafkaBrokers(
  { host, port, authority }: Pick<Server, 'host' | 'port' | 'authority'>,
  signal: AbortSignal,
): Promise<KafkaBrokers> {
  const answer = await exchangeTcp({
    host,
    port,
    ...(authority === undefined ? {} : { authority }),
    request: metadataRequest('lambdactl'),
    isComplete: (bytes) => bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0),
    signal,
  });
  return readMetadata(answer);
}

/** int32 size, int16 key, int16 version, int32 correlation id, string client id, int32 count of topics. */
function metadataRequest(clientId: string): Buffer {
  const request = Buffer.alloc(18 + clientId.length);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(metadataKey, 4);
  request.writeInt16BE(metadataVersion, 6);
  request.writeInt32BE(1, 8);
  request.writeInt16BE(clientId.length, 12);
  request.write(clientId, 14, 'latin1');
  return request;
}

/** int32 size, int32 correlation id, brokers [int32 id, string host, int32 port, nullable string rack], int32 controller, … */
export function readMetadata(answer: Buffer): KafkaBrokers {
  let at = 8;
  const take = (bytes: number): number => {
    const from = at;
    at += bytes;
    return from;
  };
  const int32 = () => answer.readInt32BE(take(4));
  const text = () => {
    const length = Math.max(0, answer.readInt16BE(take(2)));
    const from = take(length);
    return answer.toString('utf8', from, from + length);
  };
  const brokers = Array.from({ length: int32() }, () => {
    const broker = { id: int32(), host: text(), port: int32() };
    text();
    return broker;
  });
  return { brokers, controller: int32() };
}
