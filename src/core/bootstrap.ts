/** "host:port" of brokers, one or more; where they speak TLS, with the certificate by which they are verified, as PEM. */
export type Bootstrap = readonly string[] | { servers: readonly string[]; authority: string };

export const addressesIn = (bootstrap: Bootstrap): readonly string[] =>
  'servers' in bootstrap ? bootstrap.servers : bootstrap;
