import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ensureCertificates } from '../../state/certificates.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import { certificateFindings } from './certificates.ts';

it('says how long certificates hold, and what renews them', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lambdactl-certificates-'));
  const paths = stackPaths(home, 'demo');
  await createStackDirs(paths);
  const now = new Date('2026-11-21T12:00:00Z');
  const later = (days: number) => new Date(now.getTime() + days * 86_400_000);
  const need = { id: 'tls.kafka', instance: 'kafka', names: ['localhost'] };
  const credentials = await ensureCertificates(paths, 'tls.authority', [need], now);
  const told = (at: Date) => certificateFindings(credentials, at).map(({ name, ok, detail }) => [name, ok, detail]);
  expect(told(now)).toEqual([
    ['tls.authority', true, 'expires in 3650 days'],
    ['tls.kafka', true, 'expires in 365 days'],
  ]);
  expect(told(later(335))[1]).toEqual(['tls.kafka', true, 'expires in 30 days']);
  expect(told(later(336))[1]).toEqual(['tls.kafka', false, 'expires in 29 days: lambdactl up makes it anew']);
  expect(told(later(370))[1]).toEqual(['tls.kafka', false, 'expired 5 days ago: lambdactl up makes it anew']);
  const broken = { 'tls.kafka': { user: 'kafka', secret: 'nonsense' }, 'postgres.shop': { user: 'shop', secret: 'x' } };
  expect(certificateFindings(broken, now)).toMatchObject([{ name: 'tls.kafka', ok: false }]);
  await rm(home, { recursive: true });
});
