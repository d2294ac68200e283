import { splitPem } from '../../core/pem.ts';
import { isCertificate } from '../../platform/tls.ts';
import { daysLeft, warnDays } from '../../state/certificates.ts';
import type { Credentials } from '../../state/secrets.ts';
import type { SecretFinding } from './findings.ts';

/** How long the stack's certificates hold; nothing where it has none. */
export function certificateFindings(credentials: Credentials, now: Date): SecretFinding[] {
  return Object.entries(credentials)
    .filter(([id]) => isCertificate(id))
    .map(([id, { secret }]) => {
      const days = daysLeft(splitPem(secret).certificate, now);
      if (Number.isNaN(days)) return { name: id, ok: false, detail: 'cannot be read: lambdactl up makes it anew' };
      const ok = days >= warnDays;
      const detail = days < 0 ? `expired ${-days} days ago` : `expires in ${days} days`;
      return { name: id, ok, detail: ok ? detail : `${detail}: lambdactl up makes it anew` };
    });
}
