/** A private key with its certificate, one behind the other as PEM: how a stack keeps both as one secret. */
export interface KeyPair {
  /** PKCS #8. */
  key: string;
  certificate: string;
}

export const joinPem = ({ key, certificate }: KeyPair): string => `${key.trim()}\n${certificate.trim()}\n`;

/** A stand-in, which is no PEM at all, counts as both: what is made of it then differs from what is made of another. */
export function splitPem(text: string): KeyPair {
  const begins = text.indexOf('-----BEGIN CERTIFICATE-----');
  if (begins === -1) return { key: `${text}\n`, certificate: `${text}\n` };
  return { key: text.slice(0, begins), certificate: text.slice(begins) };
}
