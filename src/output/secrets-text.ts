import { table } from './table.ts';

interface Sealed {
  directory: string;
  certificate: { validTo: string };
  files: readonly { path: string; namespace: string; name: string; keys: readonly string[]; outcome: string }[];
}

/** What `secrets seal` wrote. */
export function sealText({ directory, certificate, files }: Sealed): string {
  const rows = files.map(({ namespace, name, keys, outcome }) => [outcome, namespace, name, keys.join(', ')]);
  return [
    table(['', 'NAMESPACE', 'SECRET', 'KEYS'], rows),
    `In ${directory}; the certificate that sealed them is valid until ${certificate.validTo.slice(0, 10)}.`,
    `Apply them: kubectl apply -f ${directory}`,
  ].join('\n');
}

interface Rotated {
  dryRun: boolean;
  rotated: readonly { id: string; how: string }[];
  refused: readonly { id: string; reason: string }[];
  restarted: readonly string[];
  running: boolean;
  /** Sealed files that hold the old values. */
  stale: string | null;
}

/** What `secrets rotate` did, or would do. */
export function rotateText({ dryRun, rotated, refused, restarted, running, stale }: Rotated): string {
  const rows = [
    ...rotated.map(({ id, how }) => [dryRun ? 'would' : 'new', id, how]),
    ...refused.map(({ id, reason }) => ['kept', id, reason]),
  ];
  return [
    table(['', 'CREDENTIAL', ''], rows),
    ...(rotated.length === 0 ? [] : [consequence({ dryRun, restarted, running })]),
    ...(stale === null || dryRun
      ? []
      : [`Sealed files in ${stale} hold the old values: lambdactl secrets seal --name generated`]),
  ].join('\n');
}

function consequence({ dryRun, restarted, running }: Pick<Rotated, 'dryRun' | 'restarted' | 'running'>): string {
  if (!running) return 'Nothing runs: the next `lambdactl up` takes them.';
  if (restarted.length === 0) return 'Nothing needs a restart.';
  return `${dryRun ? 'Would restart' : 'Restarted'}: ${restarted.join(', ')}.`;
}

interface Checked {
  credentials: readonly { id: string; user: string; ageDays: number | null; usedBy: readonly string[] }[];
  findings: readonly { name: string; ok: boolean; detail: string }[];
}

/** What `secrets check` found; ids, users and ages, never a value. */
export function checkText({ credentials, findings }: Checked): string {
  const rows = findings.map(({ name, ok, detail }) => [ok ? 'ok' : 'FAIL', name, detail]);
  const known = credentials.map(({ id, user, ageDays, usedBy }) => [
    id,
    user,
    ageDays === null ? '?' : `${ageDays} d`,
    usedBy.length === 0 ? 'lambdactl' : usedBy.join(', '),
  ]);
  return [
    table(['', 'SECRET', 'DETAIL'], rows),
    ...(known.length === 0 ? [] : [table(['CREDENTIAL', 'USER', 'AGE>', 'GIVEN TO'], known)]),
  ].join('\n\n');
}
