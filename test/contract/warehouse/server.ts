/** The stand-in on a free port with a directory of its own, for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WarehouseSettings } from '../../../src/probes/snowflake.ts';

const root = join(import.meta.dirname, '../../..');

/** Packages of the artifact warehouse-python, or of LAMBDACTL_WAREHOUSE_PYTHONPATH. Undefined where there are none. */
export const sitePackages = ((): string | undefined => {
  if (process.env.LAMBDACTL_WAREHOUSE_PYTHONPATH) return process.env.LAMBDACTL_WAREHOUSE_PYTHONPATH;
  const directory = join(process.env.LAMBDACTL_HOME ?? join(homedir(), '.lambdactl'), 'artifacts/warehouse-python');
  const versions = existsSync(directory) ? readdirSync(directory) : [];
  return versions.map((version) => join(directory, version, 'site-packages')).find((path) => existsSync(path));
})();

export const python = process.env.LAMBDACTL_PYTHON ?? 'python3';

export const users = {
  admin: 'LAMBDA_ADMIN',
  loader: 'LAMBDA_LOADER',
  dbt: 'LAMBDA_DBT',
  reader: 'LAMBDA_READER',
} as const;
export type UserName = keyof typeof users;

const roles = {
  LAMBDA_ADMIN: { admin: true },
  LAMBDA_LOADER: { write: ['LAMBDA.RAW'] },
  LAMBDA_DBT: { read: ['LAMBDA.*'], write: ['LAMBDA.STAGING', 'LAMBDA.MARTS', 'LAMBDA.MARTS_*'] },
  LAMBDA_READER: { read: ['LAMBDA.*'] },
};

export interface TestServer {
  port: number;
  /** What it has written to stdout and stderr. */
  log(): string;
  settings(user: UserName): WarehouseSettings & { target: 'embedded' };
  /** SIGKILL, and a new process on the same files. */
  killAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

export const passwordOf = (user: UserName): string => `secret-of-${user}`;

export async function startWarehouse(): Promise<TestServer> {
  const home = mkdtempSync(join(tmpdir(), 'lambdactl-warehouse-'));
  const port = await freePort();
  const config = join(home, 'warehouse.json');
  const variable = (name: string) => `PASSWORD_${name.toUpperCase()}`;
  mkdirSync(join(home, 'data'));
  writeFileSync(
    config,
    JSON.stringify({
      host: '127.0.0.1',
      port,
      data: join(home, 'data'),
      scratch: join(home, 'scratch'),
      memoryMiB: 248,
      database: 'LAMBDA',
      roles,
      users: Object.entries(users).map(([name, user]) => ({
        name: user,
        role: user,
        passwordVariable: variable(name),
      })),
    }),
  );
  const passwords = Object.keys(users).map((name) => [variable(name), passwordOf(name as UserName)]); // keys of users
  const env = {
    PATH: process.env.PATH ?? '',
    PYTHONPATH: sitePackages ?? '',
    PYTHONDONTWRITEBYTECODE: '1',
    TMPDIR: home,
    ...Object.fromEntries(passwords),
  };
  let log = '';
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(python, ['-S', join(root, 'templates/warehouse/server/main.py'), '--config', config], { env });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)));
    await answers(port, child, () => log);
    return child;
  };
  let child = await start();
  return {
    port,
    log: () => log,
    settings: (user) => ({
      target: 'embedded',
      url: `http://127.0.0.1:${port}`,
      user: users[user],
      password: passwordOf(user),
      role: users[user],
      database: 'LAMBDA',
    }),
    killAndRestart: async () => {
      await ended(child, 'SIGKILL');
      child = await start();
    },
    stop: async () => {
      await ended(child, 'SIGTERM');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

async function answers(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the warehouse ended with ${child.exitCode}:\n${log()}`);
    const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
