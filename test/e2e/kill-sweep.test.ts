import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, it } from 'vitest';
import { cliOf } from './cli.ts';

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-sweep-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const freePort = () =>
  new Promise<number>((settle) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => settle(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** A server of its own: the sweep kills it at random moments, migrates it and inserts as the speed job does. */
async function startCommand(httpPort: number): Promise<string> {
  const { artifacts } = await cliOf('default').must('artifacts', 'list');
  const { path } = artifacts.find(({ name }: { name: string }) => name === 'clickhouse');
  const open = '<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>';
  writeFileSync(
    join(scratch, 'users.xml'),
    `<clickhouse><profiles><default><async_insert>0</async_insert><insert_deduplicate>0</insert_deduplicate></default></profiles>
     <users><default><password></password>${open}</default><lambda><password></password>${open}</lambda></users>
     <quotas><default></default></quotas></clickhouse>`,
  );
  writeFileSync(
    join(scratch, 'config.xml'),
    `<clickhouse><logger><console_log_level>none</console_log_level></logger><users_config>${scratch}/users.xml</users_config>
     <timezone>UTC</timezone><max_server_memory_usage>1000000000</max_server_memory_usage></clickhouse>`,
  );
  mkdirSync(join(scratch, 'data'));
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return [
    python,
    join(root, 'templates/clickhouse/serve.py'),
    join(path, 'libchdb.so'),
    `--path=${scratch}/data`,
    `--config-file=${scratch}/config.xml`,
    `--http_port=${httpPort}`,
    `--tcp_port=${await freePort()}`,
    '--listen_host=127.0.0.1',
  ].join(' ');
}

it('keeps tables and every view exact over kills in the middle of inserts', async () => {
  const port = await freePort();
  const { exitCode, all } = await execa(
    process.execPath,
    [
      join(root, 'scripts/clickhouse-kill-sweep.ts'),
      '--start',
      await startCommand(port),
      '--port',
      String(port),
      '--kills',
      '10',
    ],
    { reject: false, all: true, stdin: 'ignore' },
  );
  expect({ exitCode, all: exitCode === 0 ? '' : all }).toEqual({ exitCode: 0, all: '' });
});
