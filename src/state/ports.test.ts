import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../../test/support/supervisor.ts';
import { updateDesired } from './desired.ts';
import { createStackDirs, stackPaths } from './paths.ts';
import { allocatePorts, type PortOptions, portsOfOtherStacks } from './ports.ts';

const options = (change: Partial<PortOptions> = {}): PortOptions => ({
  stack: 'default',
  host: '127.0.0.1',
  explicit: {},
  anyPort: false,
  remembered: {},
  reserved: new Set(),
  isOurs: () => false,
  ...change,
});

/** A port that a listener of this process holds. */
async function held(): Promise<number> {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A port that was free a moment ago. */
async function free(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('allocatePorts', () => {
  it('takes explicit, then remembered, then preferred ports', async () => {
    const [a, b, c] = [await free(), await free(), await free()];
    const needs = ['a', 'b', 'c'].map((id) => ({ id, preferred: c }));
    const ports = await allocatePorts(needs, options({ explicit: { a }, remembered: { a: b, b } }));
    expect(ports).toEqual({ a, b, c });
  });

  it('names every busy port with the process that holds it', async () => {
    const [first, second] = [await held(), await held()];
    const needs = [
      { id: 'kafka.broker', preferred: first },
      { id: 'postgres.sql', preferred: second },
    ];
    const refused = allocatePorts(needs, options());
    await expect(refused).rejects.toMatchObject({
      code: 'PORT_BUSY',
      exitCode: 20,
      details: {
        ports: [
          { id: 'kafka.broker', port: first, pid: process.pid },
          { id: 'postgres.sql', port: second, pid: process.pid },
        ],
      },
    });
    await expect(refused).rejects.toThrow(
      new RegExp(`${first} \\(kafka\\.broker\\) is held by \\S.* \\(pid ${process.pid}\\)`),
    );
  });

  it('names another process, too', async () => {
    const program =
      "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); })";
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const port = await new Promise<number>((settle) => child.stdout.once('data', (chunk) => settle(Number(chunk))));
    await expect(allocatePorts([{ id: 'x', preferred: port }], options())).rejects.toMatchObject({
      details: { ports: [{ pid: child.pid, name: expect.stringMatching(/node|MainThread/) }] },
    });
    expect(
      await allocatePorts([{ id: 'x', preferred: port }], options({ isOurs: (pid) => pid === child.pid })),
    ).toEqual({ x: port });
  });

  it('moves busy ports with anyPort, but never an explicit one', async () => {
    const busy = await held();
    const needs = [{ id: 'x', preferred: busy }];
    const { x = 0 } = await allocatePorts(needs, options({ anyPort: true }));
    expect(x).toBeGreaterThanOrEqual(20_000);
    expect(x).toBeLessThan(30_000);
    await expect(allocatePorts(needs, options({ anyPort: true, explicit: { x: busy } }))).rejects.toMatchObject({
      code: 'PORT_BUSY',
    });
  });

  it('gives other stacks free ports of their range, apart from each other and from those of their neighbours', async () => {
    const needs = Array.from({ length: 12 }, (_, index) => ({ id: `p${index}`, preferred: 9000 + index }));
    const one = await allocatePorts(needs, options({ stack: 'one' }));
    expect(new Set(Object.values(one)).size).toBe(12);
    expect(Object.values(one).every((port) => port >= 20_000 && port < 30_000)).toBe(true);

    const home = tempDir();
    await createStackDirs(stackPaths(home, 'one'));
    await updateDesired(stackPaths(home, 'one'), { ports: one });
    const reserved = await portsOfOtherStacks(stackPaths(home, 'two'));
    expect([...reserved].sort()).toEqual(Object.values(one).sort());
    expect((await portsOfOtherStacks(stackPaths(home, 'one'))).size).toBe(0);
    const again = await allocatePorts(needs, options({ stack: 'one', reserved }));
    expect(Object.values(again).some((port) => reserved.has(port))).toBe(false);
  });
});
