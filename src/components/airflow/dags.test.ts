import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endTree } from '../../supervisor/process-tree.ts';
import { identityOf } from '../../system/process.ts';
import { listProcesses, withEnvironment } from '../../system/process-table.ts';

const root = join(import.meta.dirname, '../../..');
const dagsDir = join(root, 'dags-repo/dags');
const home = process.env.LAMBDACTL_HOME ?? join(homedir(), '.lambdactl');
const [sitePackages = ''] = globSync(join(home, 'artifacts/airflow-python/*/site-packages'));

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'airflow-dags-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const environment = (extra: Record<string, string> = {}) => ({
  PATH: process.env.PATH ?? '',
  HOME: scratch,
  PYTHONPATH: `${sitePackages}:${dagsDir}`,
  PYTHONDONTWRITEBYTECODE: '1',
  AIRFLOW_HOME: scratch,
  AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
  LAMBDACTL_STACK: 'test',
  ...extra,
});
const python = (code: string, extra: Record<string, string> = {}) =>
  execFileSync('python3', ['-S', '-c', code], { encoding: 'utf8', env: environment(extra), stdio: 'pipe' });

interface Inspected {
  dags: {
    id: string;
    file: string;
    schedule: string | null;
    maxActiveRuns: number;
    catchup: boolean;
    deadlines: number;
    callbacks: boolean;
    tasks: Record<string, string[]>;
    retries: Record<string, number>;
    arguments: Record<string, string[]>;
  }[];
  errors: Record<string, string>;
}

// The packages come with the first `up`: without them there is nothing to load the DAGs with.
describe.skipIf(sitePackages === '')('the DAGs', { timeout: 180_000 }, () => {
  it('load, are what docs/batch-layer.md says, and alert', () => {
    const template = readFileSync(join(root, 'templates/airflow/new-dag.py'), 'utf8');
    const directory = join(scratch, 'dags');
    execFileSync('cp', ['-r', dagsDir, directory]);
    writeFileSync(join(directory, 'from_template.py'), template.replaceAll('NEW_DAG', 'from_template'));
    const output = execFileSync('python3', ['-S', '-m', 'lambda_platform.integrity', directory], {
      encoding: 'utf8',
      env: environment({ PYTHONPATH: `${sitePackages}:${directory}` }),
      stdio: 'pipe',
    });
    // What the program prints itself.
    const { dags, errors } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Inspected;
    expect(errors).toEqual({});
    expect(dags.map(({ id }) => id).sort()).toEqual([
      'backfill',
      'daily_batch',
      'dlq_watch',
      'from_template',
      'lake_maintenance',
    ]);
    for (const dag of dags) {
      expect(dag).toMatchObject({ file: `${dag.id}.py`, catchup: false, callbacks: true, maxActiveRuns: 1 });
      expect(Object.keys(dag.tasks).length).toBeGreaterThan(0);
    }
    const daily = dags.find(({ id }) => id === 'daily_batch');
    const steps = ['check', 'spark', 'load', 'dbt', 'quality', 'reconcile', 'publish'];
    expect(daily).toMatchObject({ schedule: '0 2 * * *', deadlines: 1 });
    expect(daily?.tasks).toEqual(
      Object.fromEntries(steps.map((step, index) => [step, steps.slice(index + 1, index + 2)])),
    );
    expect(Object.values(daily?.retries ?? {})).toEqual(steps.map(() => 3));
    expect(steps.map((step) => daily?.arguments[step]?.slice(0, 2).join(' ').replace(' --date', ''))).toEqual(
      steps.map((step) => (step === 'reconcile' ? 'reconcile' : `batch ${step}`)),
    );
  });

  it('call lambdactl without Airflow’s secrets, and give up at once where a retry is of no use', () => {
    const bin = join(scratch, 'lambdactl');
    writeFileSync(
      bin,
      '#!/bin/sh\nenv | grep -E "AIRFLOW|PYTHONPATH" && exit 99\necho "last words of $1"\nexit "$2"\n',
    );
    chmodSync(bin, 0o755);
    const code = `
from lambda_platform.steps import lambdactl
for code in ("0", "1", "2", "10", "20"):
    try:
        print("RESULT", code, lambdactl("t", "step", code).execute({}))
    except Exception as error:
        print("RESULT", code, type(error).__name__, str(error)[:60])
`;
    const lines = python(code, { LAMBDACTL_BIN: bin, AIRFLOW__CORE__FERNET_KEY: 'secret' }).split('\n');
    expect(lines.filter((line) => line.startsWith('RESULT'))).toEqual([
      'RESULT 0 last words of step',
      'RESULT 1 AirflowException lambdactl step 1 failed (exit 1): last words of step',
      'RESULT 2 AirflowFailException lambdactl step 2 does not take this input (exit 2): last wor',
      'RESULT 10 AirflowFailException CHECK FAILED: lambdactl step 10 found differences (exit 10);',
      'RESULT 20 AirflowException lambdactl step 20 failed (exit 20): last words of step',
    ]);
  });

  it('post alerts as JSON, and survive a webhook that is down', async () => {
    const received: unknown[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        received.push(JSON.parse(body));
        response.end();
      });
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    // A TCP server's address is always of this type.
    const { port } = server.address() as AddressInfo;
    const code =
      'from lambda_platform.alerts import post, deadline_missed\nprint(post("k", {"a": 1}))\ndeadline_missed("d", 24)';
    const send = (url: string) =>
      new Promise<string>((settle) => {
        const child = spawn('python3', ['-S', '-c', code], { env: environment({ LAMBDA_ALERT_WEBHOOK: url }) });
        let output = '';
        child.stdout.on('data', (text) => {
          output += text;
        });
        child.once('close', () => settle(output));
      });
    expect(await send(`http://127.0.0.1:${port}/hook`)).toContain('True');
    expect(received).toMatchObject([
      { kind: 'k', a: 1, stack: 'test' },
      { kind: 'deadline_missed', dag: 'd', hours: 24 },
    ]);
    await new Promise<void>((settle) => server.close(() => settle()));
    expect(await send(`http://127.0.0.1:${port}/hook`)).toContain('False');
  });

  it.runIf(process.platform === 'linux')('leave nothing behind when the scheduler is killed', async () => {
    const pids = join(scratch, 'pids');
    // As LocalExecutor does it: a worker with another title, a task with a group of its own, a command with a session of its
    // own and an empty environment.
    const code = `
import os, signal, subprocess, sys, time
from setproctitle import setproctitle
if os.fork() == 0:
    setproctitle("airflow worker")
    if os.fork() == 0:
        os.setpgid(0, 0)
        setproctitle("airflow worker -- task")
        child = subprocess.Popen(["sleep", "600"], start_new_session=True, env={})
        open(sys.argv[1], "w").write(f"{os.getppid()} {os.getpid()} {child.pid}")
        time.sleep(600)
    os.wait()
time.sleep(600)
`;
    const marker = `LAMBDACTL_RUN=orphans${process.pid}/airflow-scheduler/`;
    const [name = '', value = ''] = marker.split('=');
    const scheduler = spawn('python3', ['-S', '-c', code, pids], {
      detached: true,
      stdio: 'ignore',
      env: environment({ [name]: value, SPT_NOENV: '1' }),
    });
    const identity = identityOf(scheduler.pid ?? 0);
    if (identity === null) throw new Error('it did not start');
    for (const end = Date.now() + 60_000; !existsSync(pids) || readFileSync(pids, 'utf8') === ''; await sleep(50)) {
      if (Date.now() > end) throw new Error('the task did not start');
    }
    const [worker = 0, task = 0, command = 0] = readFileSync(pids, 'utf8').split(' ').map(Number);
    // What a guard, which knows no tree, finds by: the renamed ones still carry the marker.
    const marked = withEnvironment(marker, listProcesses()).map(({ pid }) => pid);
    expect(marked).toEqual(expect.arrayContaining([identity.pid, worker, task]));
    process.kill(identity.pid, 'SIGKILL');
    expect(await endTree({ roots: [identity], marker, signal: 'SIGTERM', graceMs: 5000 })).toEqual([]);
    expect([worker, task, command].map((pid) => identityOf(pid))).toEqual([null, null, null]);
  });
});
