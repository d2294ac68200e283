import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { contextFor } from '../../test/support/machine-context.ts';
import { connectorNames } from '../components/connect/connectors.ts';
import { connectors } from './connectors.ts';

/** Kafka Connect without connectors; one that is put runs at once, with two tasks. */
async function connect(): Promise<{ url: string; asked: string[] }> {
  const configs = new Map<string, unknown>();
  const asked: string[] = [];
  const tasks = [0, 1].map((id) => ({ id, state: 'RUNNING' }));
  const http = createServer((request, answer) => {
    const { method = '', url = '' } = request;
    asked.push(`${method} ${url}`);
    const [, , name = '', page] = url.split('/');
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      if (method === 'PUT') configs.set(name, JSON.parse(text));
      const body = page === 'status' ? { connector: { state: 'RUNNING' }, tasks } : configs.get(name);
      answer.writeHead(method === 'PUT' ? 201 : configs.has(name) ? 200 : 404, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(body ?? {}));
    });
  });
  await new Promise<void>((settle) => http.listen(0, '127.0.0.1', settle));
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, asked }; // a TCP server's address
}

it('names connectors that are missing, puts them, and asks each one once', async () => {
  const { url, asked } = await connect();
  const endpoint = async () => ({ url, host: '127.0.0.1', port: 1, user: 'me', password: null });
  const context = await contextFor({ endpoint });
  const names = connectorNames(context.profile);
  const { findings } = await connectors.run(context);
  expect(findings.map(({ what }) => what)).toEqual(names.map((name) => `Connector ${name} is missing`));
  for (const { mend } of findings) expect(await mend?.()).toMatch(/ created, 2 tasks running$/);
  asked.length = 0;
  const mended = await connectors.run(context);
  expect(mended.findings).toEqual([]);
  expect(mended.detail).toContain(`${2 * names.length} tasks running`);
  expect(asked.filter((line) => line.endsWith('/status'))).toHaveLength(names.length);
});
