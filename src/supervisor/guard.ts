import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity, Signal } from '../system/process.ts';
import { spawnListener } from '../system/process.ts';

/**
 * Reads "add PID STARTED SIGNAL" and "del PID" from the supervisor. When the pipe ends, the supervisor is dead, however it
 * died: every registered group gets its signal, and SIGKILL what is left after ten seconds. Plain sh: half a megabyte.
 */
const script = `
trap '' TERM INT HUP QUIT
run=$1
groups=
while read -r verb pid started signal; do
  case $verb in
    add) groups="$groups$pid $started $signal
" ;;
    del)
      kept=
      while read -r p rest; do
        [ -n "$p" ] && [ "$p" != "$pid" ] && kept="$kept$p $rest
"
      done <<EOF
$groups
EOF
      groups=$kept ;;
  esac
done
[ -n "$groups" ] || exit 0

started_of() {
  if [ -r /proc/self/stat ]; then
    line=
    read -r line < "/proc/$1/stat" || return
    line=\${line##*) }
    set -- $line
    [ "$1" = Z ] || echo "\${20}"
  else
    LC_ALL=C ps -o lstart= -p "$1" | tr -s ' ' '_' | sed 's/_$//'
  fi
}
# A leader that is gone leaves its pid to its group alone; one with another start time is a stranger.
each() {
  left=
  while read -r pid started signal; do
    [ -n "$pid" ] || continue
    now=$(started_of "$pid" 2>/dev/null)
    if [ -z "$now" ] || [ "$now" = "$started" ]; then
      kill -s "\${1:-$signal}" -- "-$pid" 2>/dev/null && left=1
    fi
  done <<EOF
$groups
EOF
}
strays() {
  [ -d /proc/self ] && grep -lsF "$run" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
    kill -s "$1" "$pid" 2>/dev/null
  done
}
each
strays TERM
waited=0
while each 0; [ -n "$left" ] && [ $waited -lt 100 ]; do
  sleep 0.1 2>/dev/null || { sleep 1; waited=$((waited + 9)); }
  waited=$((waited + 1))
done
each KILL
strays KILL
`;

interface Registered {
  identity: ProcessIdentity;
  signal: Signal;
}

/** Sees to it that children die with the supervisor even when it is killed; is itself replaced when it dies. */
export class Guard {
  private readonly marker: string;
  private readonly onChange: () => void;
  private readonly registered = new Map<number, Registered>();
  private stdin: Writable | null = null;
  private ended = false;
  identity: ProcessIdentity | null = null;

  constructor(marker: string, onChange: () => void) {
    this.marker = marker;
    this.onChange = onChange;
  }

  async start(): Promise<void> {
    const { identity, stdin, exited } = await spawnListener('/bin/sh', ['-c', script, 'lambdactl-guard', this.marker]);
    const begin = performance.now();
    this.identity = identity;
    this.stdin = stdin;
    for (const entry of this.registered.values()) this.tell(entry);
    this.onChange();
    exited.then(
      () => this.replace(performance.now() - begin),
      () => {},
    );
  }

  private async replace(livedMs: number): Promise<void> {
    this.stdin = null;
    this.identity = null;
    // One that cannot live must not be born a thousand times a second.
    if (livedMs < 1_000) await delay(200);
    while (!this.ended && this.identity === null) await this.start().catch(() => delay(1_000));
  }

  add(identity: ProcessIdentity, signal: Signal): void {
    const entry = { identity, signal };
    this.registered.set(identity.pid, entry);
    this.tell(entry);
  }

  remove({ pid }: ProcessIdentity): void {
    this.registered.delete(pid);
    this.stdin?.write(`del ${pid}\n`);
  }

  /** Lets the guard go; whatever is still registered dies with it. */
  end(): void {
    this.ended = true;
    this.stdin?.end();
  }

  private tell({ identity: { pid, started }, signal }: Registered): void {
    // On Linux the shell reads the bare ticks; the boot is the same for as long as it lives.
    const plain = process.platform === 'linux' ? started.slice(started.indexOf(':') + 1) : started;
    this.stdin?.write(`add ${pid} ${plain} ${signal.slice(3)}\n`);
  }
}
