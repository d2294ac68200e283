import { expect, it } from 'vitest';
import { clusterOptions, shippedProfile } from '../../test/support/cluster.ts';
import { type FlowJob, flowsOf } from '../platform/flows.ts';
import type { Profile } from '../platform/profile.ts';
import { clusterContext } from '../runtimes/kubernetes/render.ts';
import { catalogue } from './catalogue.ts';
import { dependenciesOf, type JobDefinition, type JobName } from './contract.ts';
import { kafkaPerfJob } from './kafka/perf-job.ts';
import { sparkBatchJob } from './spark/batch-job.ts';
import { lakeJob } from './spark/lake-job.ts';
import { dbtJob } from './warehouse/dbt-job.ts';

const jobs: readonly JobDefinition[] = [sparkBatchJob, lakeJob, dbtJob, kafkaPerfJob];

const lite = await shippedProfile('lite');
const full = await shippedProfile('full');
const s3: Profile['lake']['storage'] = { kind: 's3', bucket: 'a-bucket', region: 'eu-west-1', prefix: '' };
const variants: [string, Profile][] = [
  ['lite', lite],
  ['full', full],
  ['lite, archive by Spark', { ...lite, lake: { ...lite.lake, archive: 'spark' } }],
  ['full in S3', { ...full, lake: { ...full.lake, storage: s3 } }],
];

const targets = (from: string, profile: Profile): string[] =>
  flowsOf(profile).flatMap(({ from: who, to }) => (who === from && 'component' in to ? [to.component] : []));

it.each(variants)('%s: what a component depends on it may also reach', (_, profile) => {
  for (const definition of catalogue) {
    for (const needed of dependenciesOf(definition, profile)) {
      // Without the stand-ins nobody is to speak to them.
      if (needed === 'objectstore' && profile.lake.storage.kind === 's3') continue;
      expect(targets(definition.name, profile), `${definition.name} → ${needed}`).toContain(needed);
    }
  }
  for (const job of jobs) {
    for (const needed of job.dependsOn) {
      if (needed === 'objectstore' && profile.lake.storage.kind === 's3') continue;
      expect(targets(job.name, profile), `${job.name} → ${needed}`).toContain(needed);
    }
  }
});

it('names ports that the catalogue has, and every port of it somewhere', () => {
  const declared = new Set(catalogue.flatMap((each) => [...each.ports(lite), ...each.ports(full)]).map(({ id }) => id));
  const flows = variants.flatMap(([, profile]) => flowsOf(profile));
  const used = new Set<string>();
  for (const { to } of flows) {
    if (!('component' in to)) continue;
    for (const port of to.ports) {
      const ids = [...declared].filter((id) => id.endsWith(`.${port}`) && id.startsWith(to.component));
      expect(ids.length, `${to.component} ${port}`).toBeGreaterThan(0);
      for (const id of ids) used.add(id);
    }
  }
  expect([...declared].filter((id) => !used.has(id))).toEqual([]);
});

it('has a flow for every address that a component is given', async () => {
  const context = clusterContext(await clusterOptions(lite));
  const hosts = new Map(
    catalogue.flatMap((each) => each.instances(lite).map((name) => [context.hostOf(name), each.name])),
  );
  for (const definition of catalogue) {
    for (const instance of definition.instances(lite)) {
      const { files, service } = definition.render(context, instance);
      const text = JSON.stringify([files, service.command]);
      for (const [host, component] of hosts) {
        if (component === definition.name || !text.includes(host)) continue;
        expect(targets(definition.name, lite), `${instance} knows ${host}`).toContain(component);
      }
    }
  }
});

it('leaves the cluster only for accounts that the profile names, and for the webhook', () => {
  const outside = (profile: Profile) =>
    flowsOf(profile).flatMap(({ to }) => ('outside' in to ? [`${to.outside} ${to.ports.join(',')}`] : []));
  expect(outside(lite)).toEqual([]);
  expect(new Set(outside({ ...lite, lake: { ...lite.lake, storage: s3 } }))).toEqual(new Set(['S3 443']));
  expect(outside({ ...lite, alerts: { webhook: 'http://alerts.example.com:8080/x' } })).toEqual(['the webhook 8080']);
});

it('knows every job', () => {
  const names: readonly JobName[] = ['spark-batch', 'lake', 'dbt', 'kafka-perf', 'lambdactl'];
  const known: readonly FlowJob[] = names;
  for (const name of known) expect(flowsOf(lite).some(({ from }) => from === name)).toBe(true);
});
