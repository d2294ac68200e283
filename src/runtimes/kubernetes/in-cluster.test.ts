import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clusterOptions, testSecret } from '../../../test/support/cluster.ts';
import { tempDir } from '../../../test/support/supervisor.ts';
import { catalogue } from '../../components/catalogue.ts';
import { type CliStack, cliJob } from '../../components/cli-job.ts';
import type { InstancePlan } from '../../components/contract.ts';
import { loopbackNetwork } from '../../components/network.ts';
import { argumentsOf } from '../../operations/in-cluster.ts';
import { loadProfile } from '../../operations/profiles.ts';
import { readDesired } from '../../state/desired.ts';
import { stackPaths } from '../../state/paths.ts';
import { readSecrets } from '../../state/secrets.ts';
import { inClusterContext, inClusterStack, withStack } from './in-cluster.ts';
import { renderJob } from './render.ts';

interface PodSpec {
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  containers: readonly { image: string }[];
}

const profile = await loadProfile('lite');
const credentials = { 'postgres.shop': { user: 'shop', secret: 'pass' } };
const stack = inClusterStack({ stack: 'demo', profile, components: catalogue, credentials, imageTag: 'abc' });

describe('a stack as a pod is given it', () => {
  it('is read by the very code that reads one on this machine', async () => {
    const directory = tempDir();
    for (const { path, content } of stack.files(directory)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const { LAMBDACTL_STACK_FILES: named = '' } = stack.environment(directory);
    process.env.LAMBDACTL_STACK_FILES = named;
    onTestFinished(() => {
      delete process.env.LAMBDACTL_STACK_FILES;
    });
    const paths = stackPaths(tempDir(), 'demo');
    const desired = await readDesired(paths);
    expect(desired).toMatchObject({ stack: 'demo', runtime: 'kubernetes', cluster: { context: inClusterContext } });
    expect(desired?.ports['postgres.sql']).toBe(15432);
    expect(await readSecrets(paths)).toEqual(credentials);
  });

  it('is the same text as long as the stack is the same', () => {
    const again = inClusterStack({ stack: 'demo', profile, components: catalogue, credentials, imageTag: 'abc' });
    expect(again.files('/x')).toEqual(stack.files('/x'));
    expect(stack.files('/x').every(({ mode }) => mode === 0o600)).toBe(true);
  });
});

describe('an instance that starts lambdactl', () => {
  it('is given the stack; the others are left as they were rendered', () => {
    const planOf = (name: string) =>
      ({ files: [], service: { name, command: { env: { A: '1' } } } }) as unknown as InstancePlan; // what is looked at
    const scheduler = withStack(planOf('airflow-scheduler'), '/conf', stack);
    expect(scheduler.files.map(({ path }) => path)).toEqual(['/conf/stack.json', '/conf/secrets.json']);
    expect(scheduler.service.command.env).toEqual({
      A: '1',
      LAMBDACTL_STACK_FILES: '/conf',
      LAMBDACTL_IMAGE_TAG: 'abc',
      LAMBDACTL_STACK: 'demo',
    });
    const other = planOf('kafka');
    expect(withStack(other, '/conf', stack)).toBe(other);
  });
});

describe('a run of lambdactl in the cluster', () => {
  const context = {
    stack: 'demo',
    profile,
    ...loopbackNetwork,
    certificates: null,
    port: () => 1,
    user: () => 'u',
    secret: () => 's',
    artifact: () => ({ root: '/a', classPath: [] }),
    dir: (instance: string, kind: string) => `/var/lib/lambdactl/${kind}/${instance}`,
    projectDir: (kind: string) => `/opt/lambdactl/${kind}`,
    projectHash: () => '',
    template: () => '',
    python: 'python3',
  };

  it('has no secret where the command needs none, and never one in its arguments', () => {
    const bare = cliJob(null).render(context, ['generate', '--bootstrap=kafka:9092']);
    expect(bare.files).toEqual([]);
    expect(bare.command).toMatchObject({
      executable: '/opt/lambdactl/bin/lambdactl',
      args: ['generate', '--bootstrap=kafka:9092'],
      env: { LAMBDACTL_HOME: '/var/lib/lambdactl/data/lambdactl', LAMBDACTL_STACK: 'demo' },
    });
    const whole = cliJob(stack).render(context, ['bench']);
    expect(whole.files.map(({ path }) => path)).toEqual([
      '/var/lib/lambdactl/conf/lambdactl/stack.json',
      '/var/lib/lambdactl/conf/lambdactl/secrets.json',
    ]);
    expect(JSON.stringify(whole.command)).not.toContain('pass"');
  });

  it('becomes a Job of the image that holds it, with rights only where it knows its stack', async () => {
    const options = await clusterOptions(profile);
    const jobOf = (cli: CliStack | null, ...args: string[]) => {
      const objects = renderJob(options, cliJob(cli), args, 'abc123');
      const text = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
      expect(text).not.toContain(testSecret('postgres.superuser'));
      const job = objects.at(-1);
      if (job === undefined) throw new Error('nothing was rendered');
      // A shape of our own making.
      const { spec } = (job.spec as { template: { spec: PodSpec } }).template;
      return { kinds: objects.map(({ kind }) => kind), job, spec };
    };
    const bare = jobOf(null, 'generate');
    expect(bare.kinds).toEqual(['Job']);
    expect(bare.job.metadata).toMatchObject({ name: 'lambdactl-abc123', namespace: 'processing' });
    expect(bare.spec).toMatchObject({ serviceAccountName: 'lambdactl', automountServiceAccountToken: false });
    expect(bare.spec.containers[0]).toMatchObject({ image: 'lambdactl/airflow:0123456789ab' });
    const whole = jobOf(inClusterStack(options), 'bench');
    expect(whole.kinds).toEqual(['Secret', 'Job']);
    expect(whole.spec).toMatchObject({ serviceAccountName: 'lambdactl', automountServiceAccountToken: true });
  });

  it('takes the flags along that mean something there', () => {
    const flags = {
      rate: '50000',
      'in-cluster': true,
      unpaced: true,
      json: false,
      home: '/h',
      bootstrap: undefined,
      seed: '-1',
    };
    expect(argumentsOf(flags)).toEqual(['--rate=50000', '--unpaced', '--seed=-1']);
  });
});
