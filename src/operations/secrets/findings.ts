export interface SecretFinding {
  name: string;
  ok: boolean;
  /** Never a secret. */
  detail: string;
}
