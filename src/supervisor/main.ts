import { messageOf } from '../core/errors.ts';
import { exists } from '../system/files.ts';
import { listenUnix } from '../system/net.ts';
import { defaultTimings, type SupervisorOptions } from './options.ts';
import { pause } from './pause.ts';
import { serve } from './server.ts';
import { Supervisor } from './supervisor.ts';

/**
 * A supervisor's whole life: takes requests on its socket until it is told to shut down, gets SIGTERM or SIGINT, has had
 * nothing to do for a while, or its directory was deleted. Settles when nothing of it is left but the process itself.
 */
export async function runSupervisor(options: SupervisorOptions): Promise<void> {
  const supervisor = await Supervisor.start(options);
  survive((text) => supervisor.log.note(text));
  const end = () => {
    supervisor.shutdown().catch(() => {});
  };
  let clients = 0;
  let busyAt = performance.now();
  const listen = () =>
    listenUnix(options.socketPath, (connection) => {
      clients += 1;
      serve(connection, supervisor)
        .catch(() => {})
        .finally(() => {
          clients -= 1;
          busyAt = performance.now();
        });
    });
  let server = await listen();
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGHUP', () => {});

  const idleMs = options.timings?.idleMs ?? defaultTimings.idleMs;
  const watch = setInterval(
    () => {
      if (!exists(options.logDir)) end();
      else if (clients > 0 || supervisor.active) busyAt = performance.now();
      else if (performance.now() - busyAt > idleMs) end();
      // Cleaners of temporary directories take sockets away.
      if (!exists(options.socketPath) && exists(options.logDir)) {
        server.close();
        listen().then(
          (again) => {
            server = again;
          },
          () => {},
        );
      }
    },
    Math.min(idleMs, 5_000),
  );
  await supervisor.finished;
  clearInterval(watch);
  // Whoever asked for it reads the answer first.
  await pause(20, AbortSignal.timeout(1_000));
  server.close();
}

/** A defect must not take the whole stack down: it is logged, and what runs goes on. */
function survive(log: (text: string) => void): void {
  const told = new Set<string>();
  const tell = (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    if (told.size < 100 && !told.has(text)) log(`internal error: ${text}`);
    told.add(text);
  };
  process.on('uncaughtException', tell);
  process.on('unhandledRejection', tell);
}
