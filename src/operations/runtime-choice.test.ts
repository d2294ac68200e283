import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadProfile } from './profiles.ts';
import { chooseRuntime, type RuntimeName } from './runtime-choice.ts';

const empty = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));

/** A machine without container engine and kind. */
beforeEach(() => {
  vi.stubEnv('PATH', empty);
  vi.stubEnv('LAMBDACTL_ENGINE', '');
});
afterEach(() => vi.unstubAllEnvs());

async function choose(
  runtime: RuntimeName,
  context?: string,
  present: {
    runtime: 'embedded' | 'kubernetes';
    cluster: { context: string; kind: string | null } | null;
  } | null = null,
) {
  const profile = await loadProfile('lite');
  const around = { stack: 's', home: empty, projectRoot: join(import.meta.dirname, '../..'), present, profile };
  return chooseRuntime(
    { runtime, context },
    { ...around, components: ['kafka'], signal: new AbortController().signal },
  );
}

describe('a new stack', () => {
  it('is embedded where no container engine answers, and says so', async () => {
    const { cluster, reason } = await choose('auto');
    expect(cluster).toBeNull();
    expect(reason).toMatch(/^embedded: no container engine answers \(.*docker: not found/);
  });

  it('goes where it is told', async () => {
    expect(await choose('kind')).toMatchObject({ cluster: { context: 'kind-lambdactl-s', kind: 'lambdactl-s' } });
    expect(await choose('kubernetes', 'staging')).toMatchObject({ cluster: { context: 'staging', kind: null } });
    expect(await choose('auto', 'staging')).toMatchObject({ cluster: { context: 'staging', kind: null } });
    expect(await choose('embedded')).toMatchObject({ cluster: null });
  });

  it('never takes the current context', async () => {
    vi.stubEnv('KUBECONFIG', join(empty, 'none'));
    vi.stubEnv('HOME', empty);
    await expect(choose('kubernetes')).rejects.toMatchObject({
      code: expect.stringMatching(/CONTEXT_NEEDED|KUBECONFIG_BROKEN/),
    });
    await expect(choose('kind', 'staging')).rejects.toMatchObject({ code: 'BAD_USAGE' });
  });
});

describe('a stack that was up', () => {
  const embedded = { runtime: 'embedded', cluster: null } as const;
  const staging = { runtime: 'kubernetes', cluster: { context: 'staging', kind: null } } as const;

  it('stays where it is', async () => {
    expect(await choose('auto', undefined, embedded)).toMatchObject({ cluster: null });
    expect(await choose('auto', undefined, staging)).toMatchObject({ cluster: { context: 'staging' } });
    expect(await choose('kubernetes', 'staging', staging)).toMatchObject({ cluster: { context: 'staging' } });
  });

  it('is not moved', async () => {
    await expect(choose('kind', undefined, embedded)).rejects.toMatchObject({ code: 'RUNTIME_CHANGED' });
    await expect(choose('embedded', undefined, staging)).rejects.toMatchObject({ code: 'RUNTIME_CHANGED' });
    await expect(choose('kubernetes', 'production', staging)).rejects.toMatchObject({ code: 'RUNTIME_CHANGED' });
    await expect(choose('auto', 'staging', embedded)).rejects.toMatchObject({ code: 'RUNTIME_CHANGED' });
  });
});
