import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultMavenBase, parseCoordinate } from './maven.ts';
import { matchesCentral, mavenSource, mirrorFor } from './maven-settings.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lambdactl-settings-'));
  mkdirSync(join(home, '.m2'));
});
afterEach(() => rmSync(home, { recursive: true }));

const settings = (xml: string) =>
  writeFileSync(join(home, '.m2', 'settings.xml'), `<?xml version="1.0"?><settings>${xml}</settings>`);
const mirror = (id: string, mirrorOf: string, url: string) =>
  `<mirror><id>${id}</id><mirrorOf>${mirrorOf}</mirrorOf><url>${url}</url></mirror>`;

it('reads coordinates in the form Maven prints', () => {
  expect(parseCoordinate('g.h:a:tar.gz:plugin:1.0')).toMatchObject({
    classifier: 'plugin',
    path: 'g/h/a/1.0/a-1.0-plugin.tar.gz',
  });
  expect(parseCoordinate('g:a_2.13:jar:4.3.1')).toMatchObject({
    classifier: undefined,
    path: 'g/a_2.13/4.3.1/a_2.13-4.3.1.jar',
  });
});

it.each([
  ['*', true],
  ['external:*', true],
  ['central', true],
  ['other,central', true],
  ['other', false],
  ['*,!central', false],
  ['!central,*', false],
  ['external:*, !other', true],
  ['external:http:*', false],
])('mirrorOf %s stands for central: %s', (pattern, expected) => {
  expect(matchesCentral(pattern)).toBe(expected);
});

it('prefers a mirror of exactly central, then the first that matches', () => {
  const all = { id: 'all', mirrorOf: '*', url: 'a' };
  const exact = { id: 'exact', mirrorOf: 'central', url: 'b' };
  const wide = { id: 'wide', mirrorOf: 'external:*', url: 'c' };
  expect(mirrorFor([all, exact])).toBe(exact);
  expect(mirrorFor([wide, all])).toBe(wide);
  expect(mirrorFor([{ ...all, mirrorOf: '*,!central' }])).toBeUndefined();
});

it('takes the default repository without settings', async () => {
  const source = await mavenSource({}, home);
  expect(source).toEqual({
    base: await defaultMavenBase(),
    headers: {},
    localRepository: join(home, '.m2', 'repository'),
  });
  expect(source.base).toMatch(/^https:.*\/$/);
});

it('uses mirror, its server and the local repository of settings.xml', async () => {
  settings(`<localRepository>\${user.home}/jars</localRepository>
    <mirrors>${mirror('none', 'internal', 'http://127.0.0.1:1/x')}${mirror('corp', 'external:*', 'http://127.0.0.1:2/repo')}</mirrors>
    <servers><server><id>corp</id><username>ann</username><password>\${env.TOKEN}</password>
      <configuration><httpHeaders><property><name>X-Team</name><value>data</value></property></httpHeaders></configuration></server></servers>`);
  const source = await mavenSource({ TOKEN: 'pw' }, home);
  expect(source).toEqual({
    base: 'http://127.0.0.1:2/repo/',
    headers: { authorization: `Basic ${Buffer.from('ann:pw').toString('base64')}`, 'x-team': 'data' },
    localRepository: join(home, 'jars'),
  });
});

it('lets LAMBDACTL_MAVEN_MIRROR win, with its user and password in a header', async () => {
  settings(`<mirrors>${mirror('corp', '*', 'http://127.0.0.1:2/repo')}</mirrors>`);
  const source = await mavenSource({ LAMBDACTL_MAVEN_MIRROR: 'http://u:p%40@127.0.0.1:3/m//' }, home);
  expect(source.base).toBe('http://127.0.0.1:3/m/');
  expect(source.headers.authorization).toBe(`Basic ${Buffer.from('u:p@').toString('base64')}`);
});

it.each([
  ['<mirrors', 'broken XML'],
  [`<mirrors>${mirror('m', '*', 'nonsense')}</mirrors>`, 'no address'],
  [
    `<mirrors>${mirror('m', '*', 'http://127.0.0.1:2')}</mirrors><servers><server><id>m</id><username>u</username><password>{abc=}</password></server></servers>`,
    'an encrypted password',
  ],
])('refuses %# with the file and what to do', async (xml) => {
  settings(xml);
  await expect(mavenSource({}, home)).rejects.toMatchObject({ code: 'MAVEN_SETTINGS_INVALID', category: 'preflight' });
});
