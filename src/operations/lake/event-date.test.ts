import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exec } from '../../system/exec.ts';

const root = join(import.meta.dirname, '../../..');
const artifacts = join(process.env.LAMBDACTL_HOME ?? join(homedir(), '.lambdactl'), 'artifacts');

/** Files of an installed artifact whose path ends so; none where it is not installed. */
function installed(name: string, ending: string): string[] {
  try {
    const files = readdirSync(join(artifacts, name), { recursive: true, encoding: 'utf8' });
    return files.filter((path) => path.endsWith(ending)).map((path) => join(artifacts, name, path));
  } catch {
    return [];
  }
}

const [java] = installed('jre', 'bin/java');
const [ecj] = installed('ecj', '.jar');
const spark = installed('spark', '.jar');
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-event-date-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(java === undefined || ecj === undefined || spark.length === 0)(
  'the archive’s scan for the event time',
  () => {
    it('finds the day that the reader of the contract finds, whatever the record looks like', {
      timeout: 120_000,
    }, async () => {
      const sources = ['lake/EventDate.java', 'speed/Contract.java', 'speed/PlainTime.java'].map((path) =>
        join(root, 'dags-repo/spark/src/lambdactl', path),
      );
      const fixture = join(import.meta.dirname, 'event-date.fixture.java');
      const { signal } = new AbortController();
      const compiler = ['-jar', ecj ?? '', '--release', '21', '-encoding', 'UTF-8', '-nowarn', '-cp', spark.join(':')];
      const compiled = await exec(java ?? '', [...compiler, '-d', scratch, ...sources, fixture], { signal });
      expect(compiled.stderr).toBe('');
      const program = ['-cp', [scratch, ...spark].join(':'), 'lambdactl.lake.EventDateFixture', join(root, 'schemas')];
      const { stdout } = await exec(java ?? '', program, { signal });
      expect(stdout.trim()).toBe('20286');
    });
  },
);
