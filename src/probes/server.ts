/** Where a product answers, and as whom. */
export interface Server {
  /** With scheme, without credentials. */
  url: string;
  host: string;
  port: number;
  user: string | null;
  password: string | null;
  /** Certificate by which the server is verified, as PEM; without one it speaks no TLS. */
  authority?: string;
}
