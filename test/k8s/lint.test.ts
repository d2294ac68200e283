import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { findRig } from '../rig/control-plane/cache.ts';
import { describeOnCluster, documents, rendered } from './support.ts';

interface Waiver {
  check: string;
  /** "Kind" or "Kind/name"; of every object when absent. */
  objects?: readonly string[];
  /** Only in what is said so: part of the finding's text. */
  finding?: string;
  reason: string;
}

interface Finding {
  check: string;
  object: string;
  kind: string;
  text: string;
}

interface Scored {
  object_name: string;
  type_meta: { kind: string };
  checks: {
    check: { id: string };
    grade: number;
    skipped: boolean;
    comments: { path: string; summary: string; description: string }[] | null;
  }[];
}

/** Grades of kube-score: 1 critical, 5 warning, 7 almost ok, 10 ok. */
const almostOk = 7;
const waivers: readonly Waiver[] = parse(readFileSync(join(import.meta.dirname, 'lint-waivers.yaml'), 'utf8')).waivers;

const isWaived =
  ({ check, kind, object, text }: Finding) =>
  (waiver: Waiver) =>
    waiver.check === check &&
    (waiver.objects === undefined || waiver.objects.some((each) => each === kind || each === `${kind}/${object}`)) &&
    (waiver.finding === undefined || text.includes(waiver.finding));

async function findings(profile: string): Promise<Finding[]> {
  const rig = findRig();
  if ('missing' in rig) throw new Error(rig.missing);
  const input = documents(await rendered(profile))
    .split('\n')
    .join('\n---\n');
  const args = ['score', '--output-format', 'json', '--kubernetes-version', 'v1.34', '-'];
  const { stdout } = await execa(rig.bin('kube-score'), args, { input, reject: false, maxBuffer: 50_000_000 });
  const scored: Scored[] = JSON.parse(stdout);
  expect(scored.length).toBeGreaterThan(10);
  return scored.flatMap(({ object_name, type_meta, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < almostOk)
      .flatMap(({ check, comments }) =>
        (comments ?? []).map(({ path, summary, description }) => ({
          check: check.id,
          object: object_name,
          kind: type_meta.kind,
          text: [path, summary, description].filter(Boolean).join(': '),
        })),
      ),
  );
}

describeOnCluster('kube-score', () => {
  it('finds nothing in our objects but what is waived with a reason', async () => {
    const all = [...(await findings('lite')), ...(await findings('full'))];
    const left = all.filter((finding) => !waivers.some(isWaived(finding)));
    expect(left.map(({ check, kind, object, text }) => `${check} ${kind}/${object}: ${text}`)).toEqual([]);
    const idle = waivers.filter((waiver) => !all.some((finding) => isWaived(finding)(waiver)));
    expect(idle.map(({ check }) => `nothing is waived by the waiver of ${check}`)).toEqual([]);
  });
});
