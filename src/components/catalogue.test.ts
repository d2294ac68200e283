import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import { describe, expect, it } from 'vitest';
import { inDependencyOrder } from '../core/graph.ts';
import type { CommandSpec } from '../core/service-spec.ts';
import { memoryBudgetMiB, type Profile, resolveProfile } from '../platform/profile.ts';
import { authorityId, certificateId, isCertificate, usesTls } from '../platform/tls.ts';
import { catalogue } from './catalogue.ts';
import type { RenderContext } from './contract.ts';
import { loopbackNetwork } from './network.ts';
import { certificatesOf } from './tls.ts';

const root = join(import.meta.dirname, '../..');
const load = async (name: string) => {
  const path = `profiles/${name}.yaml`;
  return { path, text: readFileSync(join(root, path), 'utf8') };
};
const eta = new Eta({ autoEscape: false, autoTrim: false });

const tlsNeed = (id: string) => ({ id, user: id, kind: 'password' as const });

/** Renders everything as a runtime would, and notes what was asked for. */
function renderAll(profile: Profile) {
  const encrypted = usesTls(profile, 'embedded');
  const asked = { ports: new Set<string>(), secrets: new Set<string>(), templates: new Set<string>() };
  const declaredPorts = new Map(catalogue.flatMap((c) => c.ports(profile)).map(({ id, preferred }) => [id, preferred]));
  const credentials = new Map(catalogue.flatMap((c) => c.credentials).map((need) => [need.id, need]));
  const servers = encrypted ? catalogue.filter(({ servesTls }) => servesTls === true) : [];
  for (const each of servers)
    for (const instance of each.instances(profile))
      credentials.set(certificateId(instance), tlsNeed(certificateId(instance)));
  if (encrypted) credentials.set(authorityId, tlsNeed(authorityId));
  const known = <T>(map: ReadonlyMap<string, T>, id: string): T => {
    const value = map.get(id);
    if (value === undefined) throw new Error(`${id} was not declared`);
    return value;
  };
  const secret = (id: string) => {
    asked.secrets.add(id);
    const { kind, user } = known(credentials, id);
    // A cluster's identity is no secret, and certificates are public.
    if (isCertificate(id)) return `secret-of-${user}\n-----BEGIN CERTIFICATE-----\n${user}\n`;
    return kind === 'clusterId' ? 'an-id' : `secret-of-${user}`;
  };
  const context: RenderContext = {
    stack: 'test',
    profile,
    ...loopbackNetwork,
    port: (id) => {
      asked.ports.add(id);
      return known(declaredPorts, id);
    },
    user: (id) => known(credentials, id).user,
    secret,
    certificates: certificatesOf(profile, 'embedded', secret),
    artifact: (name) => ({ root: `/artifacts/${name}`, classPath: [`/artifacts/${name}/${name}.jar`] }),
    dir: (instance, kind) => `/stack/${instance}/${kind}`,
    projectHash: () => 'hash',
    projectDir: (kind) => `/project/${kind}`,
    template: (path, data) => {
      asked.templates.add(path);
      return eta.renderString(readFileSync(join(root, 'templates', path), 'utf8'), data);
    },
    python: '/usr/bin/python3',
  };
  const plans = catalogue.flatMap((component) =>
    component.instances(profile).map((instance) => ({ component, instance, ...component.render(context, instance) })),
  );
  const endpoints = catalogue.flatMap((component) => component.endpoints(context));
  return { asked, plans, endpoints, declaredPorts, credentials };
}

describe.each([
  ['lite', 'none'],
  ['full', 'none'],
  ['full', 'everywhere'],
] as const)('the catalogue in profile %s, TLS: %s', async (name, use) => {
  const profile = { ...(await resolveProfile(name, load)), tls: { use } };
  const { asked, plans, endpoints, declaredPorts, credentials } = renderAll(profile);

  it('keeps secrets out of arguments, of readable files and of addresses', () => {
    for (const { service, files } of plans) {
      const commands: CommandSpec[] = [service, ...service.prepare, ...(service.afterHealthy ?? [])].map(
        (c) => c.command,
      );
      expect(JSON.stringify(commands.map(({ executable, args, cwd }) => [executable, args, cwd]))).not.toMatch(
        /secret-of/,
      );
      for (const { path, content, mode } of files)
        if (mode !== 0o600) expect(`${path}: ${content}`).not.toMatch(/secret-of/);
    }
    expect(JSON.stringify(endpoints)).not.toMatch(/secret-of/);
  });

  it('listens on loopback only', () => {
    for (const { service, files } of plans) {
      const text = [...files.map(({ content }) => content), ...service.command.args].join('\n');
      expect(text).not.toMatch(/0\.0\.0\.0|\[::\]|listen_addresses = '\*'/);
      for (const [, port] of text.matchAll(/:(\d{5})\b/g)) {
        if ([...declaredPorts.values()].includes(Number(port))) expect(text).toContain(`127.0.0.1:${port}`);
      }
    }
    for (const { url } of endpoints) expect(url).toMatch(/127\.0\.0\.1:\d+/);
  });

  it('uses every port and credential that it declares, each once preferred', () => {
    expect([...asked.ports].sort()).toEqual([...declaredPorts.keys()].sort());
    expect(new Set(declaredPorts.values()).size).toBe(declaredPorts.size);
    const named = [...asked.secrets, ...endpoints.flatMap(({ credential }) => credential ?? [])];
    expect([...new Set(named)].sort()).toEqual([...credentials.keys()].sort());
  });

  it('shares out the memory of the profile, heaps within it', () => {
    const total = plans.reduce((sum, { service }) => sum + service.memoryBytes, 0);
    expect(total / 2 ** 20).toBe(
      memoryBudgetMiB(profile) - profile.components.supervisor.memoryMiB - profile.components.batch.memoryMiB,
    );
    for (const { service } of plans) {
      const limits = service.command.args.flatMap((arg) => /^-Xmx(\d+)m$|Size=(\d+)m$/.exec(arg)?.slice(1) ?? []);
      const megabytes = limits.reduce((sum, each) => sum + Number(each ?? 0), 0);
      // All of a JVM's caps together: reached at once only under a load that no budget is made for.
      expect(megabytes * 2 ** 20).toBeLessThanOrEqual(service.memoryBytes * 1.1);
    }
  });

  it('names instances and directories consistently', () => {
    for (const { component, instance, service, files } of plans) {
      expect(service).toMatchObject({ name: instance, component: component.name });
      for (const { path } of files) expect(path.startsWith(`/stack/${instance}/conf/`)).toBe(true);
    }
  });
});

it('depends in one direction and uses every template', async () => {
  const names = catalogue.map(({ name }) => name);
  const dependsOn = (name: string) => catalogue.find((component) => component.name === name)?.dependsOn ?? [];
  expect(inDependencyOrder(names, dependsOn)).toEqual(names);
  const { asked } = renderAll(await resolveProfile('full', load));
  expect([...asked.templates].sort()).toEqual(
    globSync('**/*.eta', { cwd: join(root, 'templates'), exclude: ['images/**'] }).sort(),
  );
});
