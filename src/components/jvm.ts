import { createHash } from 'node:crypto';
import type { AfterHealthySpec, CommandSpec } from '../core/service-spec.ts';
import type { RenderContext } from './contract.ts';

export interface JvmRequest {
  /** Instance that runs. */
  instance: string;
  classPath: readonly string[];
  mainClass: string;
  heapMiB: number;
  /** Heap at the start; the JVM grows it only where it is used. */
  initialHeapMiB?: number;
  metaspaceMiB: number;
  codeCacheMiB: number;
  directMiB?: number;
  /** C1 only: starts with less work and memory, runs slower when hot. For what mostly waits. */
  quickStart?: boolean;
  /** Young generation, and its share for survivors as in -XX:SurvivorRatio: for what knows how much lives how long. Serial collector below 1 GiB. */
  young?: { megabytes: number; survivorRatio: number };
  /** Further -D, -XX and --add-opens. */
  flags?: readonly string[];
  args: readonly string[];
  /** Secrets go here. */
  env?: Readonly<Record<string, string>>;
}

/** From here on G1 pays: below it Serial needs less memory and fewer threads, and its pauses stay short. */
const g1FromHeapMiB = 512;
/** The same where the young generation is set by hand, which G1 does not like. */
const g1FromTunedHeapMiB = 1024;

/**
 * The archive is written this long after the first healthy start. It stops the JVM for one or two seconds, longer on a busy
 * machine: not in the first minute, when somebody looks at the first events.
 */
const archiveDelayMs = 90_000;

/**
 * Ten times the JVM's own thresholds for C2. What is called for every record passes them within seconds; planning, class reading and
 * clients' housekeeping, called some hundred times a micro-batch, does not, and compiling it kept a quarter of two cores busy
 * for minutes, longer than it can ever pay back (docs/performance.md).
 */
export const compileOnlyHotCode: readonly string[] = [
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

/** A one-shot Java command. */
export function javaCommand(context: RenderContext, request: JvmRequest): CommandSpec {
  return { ...common(context, request), executable: javaOf(context), args: javaArgs(context, request) };
}

/**
 * A Java service that starts from an archive of its classes (half the time, less memory) as soon as there is one. The archive
 * is dumped from the first running process, so no start and no stop waits for it. One whose JVM or jars have changed since
 * is refused by the JVM, which then loads classes as usual and writes it anew at its end.
 * @param archiveOwner instance whose cache directory holds the archive; instances of one program share it, and the pages
 */
export function javaService(
  context: RenderContext,
  request: JvmRequest,
  archiveOwner = request.instance,
): { command: CommandSpec; afterHealthy: readonly AfterHealthySpec[] } {
  const java = javaOf(context);
  const args = javaArgs(context, request);
  const program = [java, ...request.classPath, request.mainClass].join('\n');
  const key = createHash('sha256').update(program).digest('hex').slice(0, 12);
  const archive = `${context.dir(archiveOwner, 'cache')}/classes-${key}.jsa`;
  const base = common(context, request);
  const dump: AfterHealthySpec = {
    title: 'Archive loaded classes for faster starts',
    command: { ...base, executable: '/bin/sh', args: ['-c', dumpScript, `${java.slice(0, -4)}jcmd`, '{pid}', archive] },
    marker: `${archive}.done`,
    delayMs: archiveDelayMs,
  };
  return {
    command: { ...base, executable: '/bin/sh', args: ['-c', startScript, java, archive, ...args] },
    afterHealthy: archiveOwner === request.instance ? [dump] : [],
  };
}

/** $0: java, $1: archive, the rest: its arguments. The two flags exclude each other, and which one holds shows at the start. */
const startScript = `
archive=$1; shift
if [ -f "$archive" ]; then exec "$0" -XX:+AutoCreateSharedArchive -XX:SharedArchiveFile="$archive" "$@"; fi
exec "$0" -XX:+RecordDynamicDumpInfo "$@"
`.trim();

/** $0: jcmd, $1: pid, $2: archive. Renamed when whole. */
const dumpScript = '"$0" "$1" VM.cds dynamic_dump "$2.new" && mv -f "$2.new" "$2"';

const javaOf = (context: RenderContext): string => `${context.artifact('jre').root}/bin/java`;

function common(context: RenderContext, { instance, env }: JvmRequest) {
  // glibc gives every thread an arena of up to 64 MiB; two are enough for programs whose data is in the heap.
  return { env: { MALLOC_ARENA_MAX: '2', ...env }, cwd: context.dir(instance, 'run') };
}

function javaArgs(context: RenderContext, request: JvmRequest): string[] {
  const { heapMiB, initialHeapMiB, metaspaceMiB, codeCacheMiB, directMiB, quickStart, young } = request;
  const useG1 = heapMiB >= (young === undefined ? g1FromHeapMiB : g1FromTunedHeapMiB);
  return [
    `-Xms${initialHeapMiB ?? Math.min(64, heapMiB)}m`,
    `-Xmx${heapMiB}m`,
    useG1 ? '-XX:+UseG1GC' : '-XX:+UseSerialGC',
    ...(young === undefined || useG1 ? [] : [`-Xmn${young.megabytes}m`, `-XX:SurvivorRatio=${young.survivorRatio}`]),
    `-XX:MaxMetaspaceSize=${metaspaceMiB}m`,
    `-XX:ReservedCodeCacheSize=${codeCacheMiB}m`,
    ...(directMiB === undefined ? [] : [`-XX:MaxDirectMemorySize=${directMiB}m`]),
    ...(quickStart === true ? ['-XX:TieredStopAtLevel=1'] : []),
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    '-Xlog:cds=off,cds+dynamic=off',
    '-Djava.net.preferIPv4Stack=true',
    '-Djava.awt.headless=true',
    '-Duser.timezone=UTC',
    // Libraries and staged files that a killed program leaves lie with its stack, and go with it.
    `-Djava.io.tmpdir=${context.dir(request.instance, 'cache')}`,
    ...(request.flags ?? []),
    '-cp',
    request.classPath.join(':'),
    request.mainClass,
    ...request.args,
  ];
}
