/** Settings of a Kafka client in Java that verifies the brokers. @param authority path of the certificate to verify by */
export const verifiedClient = (authority: string): Readonly<Record<string, string>> => ({
  'security.protocol': 'SSL',
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': authority,
});
