import { messageOf } from '../core/errors.ts';
import type { CommandSpec, PrepareSpec } from '../core/service-spec.ts';
import { exists, writeAtomic } from '../system/files.ts';
import { findExecutable } from '../system/paths.ts';
import {
  describeExit,
  type ExitStatus,
  type ProcessIdentity,
  type RunningChild,
  spawnSession,
} from '../system/process.ts';
import { spawnRequest } from './accounts.ts';
import type { Guard } from './guard.ts';
import type { LogFile } from './log-file.ts';
import type { ServiceOrder } from './options.ts';
import { pause } from './pause.ts';
import { endTree } from './process-tree.ts';

/** The processes of one service: every one is in the log, known to the guard and found again when it is time to end. */
export class ServiceProcesses {
  /** The tree as last seen; the oldest first. */
  members: readonly ProcessIdentity[] = [];
  private readonly marker: string;
  private readonly guard: Guard;
  private readonly log: LogFile;
  private launching: Promise<unknown> = Promise.resolve();
  private ending: Promise<string> | null = null;

  /** @param marker NAME=value in the environment of each */
  constructor(marker: string, guard: Guard, log: LogFile) {
    this.marker = marker;
    this.guard = guard;
    this.log = log;
  }

  /**
   * Starts a command in a session of its own. `ended` settles when it is gone and its last words are in the log.
   * @throws Error with errno code
   */
  async launch(
    command: CommandSpec,
    { spec, account }: ServiceOrder,
  ): Promise<{ child: RunningChild; ended: Promise<ExitStatus> }> {
    // A wrapper would be started in its place, and its failure look like the program's own.
    if (findExecutable(command.executable, command.env.PATH) === null) throw new Error('there is no such program');
    if (!exists(command.cwd)) throw new Error(`its directory ${command.cwd} does not exist`);
    const context = { account, marker: this.marker, deathSignal: spec.stopSignal, nice: spec.nice ?? 0 };
    const launching = spawnSession(spawnRequest(command, context));
    // Who ends the processes waits for this first: nothing may slip through between fork and knowing the pid.
    this.launching = launching.catch(() => {});
    const child = await launching;
    this.guard.add(child.identity, spec.stopSignal);
    this.members = [...this.members, child.identity];
    this.log.follow(child.stdout, 'O');
    this.log.follow(child.stderr, 'E');
    const closed = Promise.all(
      [child.stdout, child.stderr].map((stream) => new Promise<void>((settle) => stream.once('close', settle))),
    );
    const ended = child.exited.then(async (exit) => {
      // The last words arrive after the exit; a descendant may hold the pipe open for ever.
      await Promise.race([closed, pause(200, new AbortController().signal)]);
      return exit;
    });
    return { child, ended };
  }

  /** Runs a one-shot command and writes its marker. @returns what went wrong, null when it worked */
  async runOnce(step: PrepareSpec, order: ServiceOrder, timeoutMs: number, scope: AbortSignal): Promise<string | null> {
    try {
      this.log.note(step.title);
      const { child, ended } = await this.launch(step.command, order);
      const exit = await Promise.race([ended, pause(timeoutMs, scope)]);
      if (exit === undefined) {
        await endTree({ roots: [child.identity], marker: null, signal: 'SIGTERM', graceMs: 2_000 });
        return scope.aborted ? 'cancelled' : `not done after ${timeoutMs / 1000} s`;
      }
      this.guard.remove(child.identity);
      const { pid, started } = child.identity;
      this.members = this.members.filter((member) => member.pid !== pid || member.started !== started);
      if (exit.code !== 0) return describeExit(exit);
      await writeAtomic(step.marker, `${new Date().toISOString()}\n`);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Ends every process of the service; a second caller waits for the same end. @returns a remark when one could not be ended */
  end({ spec }: ServiceOrder): Promise<string> {
    this.ending ??= this.endNow(spec.stopSignal, spec.stopGraceMs).finally(() => {
      this.ending = null;
    });
    return this.ending;
  }

  private async endNow(signal: ServiceOrder['spec']['stopSignal'], graceMs: number): Promise<string> {
    await this.launching;
    const roots = this.members;
    const stuck = await endTree({ roots, marker: this.marker, signal, graceMs });
    for (const member of roots) this.guard.remove(member);
    this.members = stuck;
    return stuck.length === 0 ? '' : `could not be killed: pid ${stuck.map(({ pid }) => pid).join(', ')}`;
  }
}
