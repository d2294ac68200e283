import { basename, join, resolve } from 'node:path';
import type { MachineContext } from '../checks/machine.ts';
import { valueIn } from '../checks/machine.ts';
import { messageOf } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { createRedactor, type Redactor, secretsNamedIn, secretsOfEnvironment } from '../core/redaction.ts';
import { packTarGz } from '../system/archive.ts';
import { explainWriteError } from '../system/files.ts';
import { filesBelow, openStaging, type Staging, tailOf } from '../system/staging.ts';
import { doctor } from './doctor.ts';
import { examine } from './examine.ts';
import type { StackRef } from './stack.ts';
import { status } from './status.ts';
import { versions } from './versions.ts';

export interface BundleRequest extends StackRef {
  /** Where the archive goes; a name with the time in the present directory when absent. */
  output: string | undefined;
}

export interface BundleReport {
  stack: string;
  file: string;
  bytes: number;
  /** What is in it, sizes before packing. */
  members: readonly { path: string; bytes: number }[];
  /** What is not in it, and why. */
  leftOut: readonly string[];
}

const logBytes = 5 * 1_048_576;
const configBytes = 1_048_576;
const answerMs = 10_000;
/** What a stack's directory holds beside its data. */
const ownFiles = ['stack.json', 'state.json', 'journal.jsonl', 'run/supervisor.out'];

/**
 * One archive to hand to somebody who helps: versions, the machine, state files, rendered configuration, logs, what doctor and status
 * say. Secrets are taken out of everything; a part that cannot be had is left out and named.
 * @throws LambdaError HOME_NOT_WRITABLE, DISK_FULL where the archive is to be written
 */
export async function supportBundle(request: BundleRequest, operation: OperationContext): Promise<BundleReport> {
  const { context } = await examine(request, { budgetMs: answerMs, signal: operation.signal });
  const { stack, stackDir } = context.paths;
  const stamp = new Date(context.now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const file = resolve(request.output ?? `lambdactl-support-${stack}-${stamp}.tar.gz`);
  const configs = await filesBelow(join(stackDir, 'conf'));
  const bundle = new Bundle(await openStaging('lambdactl-support-'), await redactorFor(context, configs));
  try {
    await step(operation, { id: 'collect', title: 'Collect' }, async () => {
      await collectAnswers(bundle, context, request, operation);
      await collectFiles(bundle, context, configs);
      return { value: undefined, detail: `${bundle.members.length} files` };
    });
    return await step(operation, { id: 'pack', title: 'Pack' }, async () => {
      const { members, leftOut } = bundle;
      await bundle.addJson('bundle.json', { stack, createdAt: new Date(context.now).toISOString(), members, leftOut });
      const bytes = await packTarGz(
        file,
        bundle.directory,
        members.map(({ path }) => path),
      ).catch((error: unknown) => {
        throw explainWriteError(error, file);
      });
      return { value: { stack, file, bytes, members, leftOut }, detail: basename(file) };
    });
  } finally {
    await bundle.remove();
  }
}

/** What is put into the archive; nothing gets in but through the redactor. */
class Bundle {
  readonly members: { path: string; bytes: number }[] = [];
  readonly leftOut: string[] = [];
  private readonly staging: Staging;
  private readonly redactor: Redactor;

  constructor(staging: Staging, redactor: Redactor) {
    this.staging = staging;
    this.redactor = redactor;
  }

  get directory(): string {
    return this.staging.directory;
  }

  /** @param text bytes, as latin1 */
  async add(path: string, text: string): Promise<void> {
    const redacted = this.redactor.redact(text);
    // Never reached as long as the redactor does what it promises; a leak is worse than a gap.
    if (this.redactor.holdsSecret(redacted) || this.redactor.holdsSecret(path)) {
      this.leftOut.push('a file that still held a secret after redaction');
      return;
    }
    await this.staging.write(path, redacted);
    this.members.push({ path, bytes: redacted.length });
  }

  addJson(path: string, value: unknown): Promise<void> {
    return this.add(path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8').toString('latin1'));
  }

  /** What is asked may fail on a broken stack: its words then stand in its place. */
  async addAnswer(path: string, ask: () => Promise<unknown>): Promise<void> {
    const answer = await ask().catch((error: unknown) => ({ failed: messageOf(error) }));
    await this.addJson(path, answer);
  }

  async addFile(path: string, source: string, limit: number): Promise<void> {
    const text = await tailOf(source, limit);
    if (text === null || text === '') return;
    if (text.slice(0, 8_192).includes('\0')) this.leftOut.push(`${path}: not a text`);
    else await this.add(path, text);
  }

  remove(): Promise<void> {
    return this.staging.remove();
  }
}

/** Everything that is known to be secret here: the stack's credentials, the key, the environment, what configs name as such. */
async function redactorFor(
  { files, environment, paths, profile }: MachineContext,
  configs: readonly string[],
): Promise<Redactor> {
  const credentials = Object.entries(valueIn(files.credentials) ?? {}).flatMap(([id, { user, secret }]) =>
    id.startsWith('account.') ? [user, secret] : [secret],
  );
  const key = await tailOf(join(paths.home, 'secrets.key'), configBytes);
  const named: string[] = [];
  for (const config of configs) {
    named.push(...secretsNamedIn((await tailOf(join(paths.stackDir, 'conf', config), configBytes)) ?? ''));
  }
  return createRedactor([
    ...credentials,
    ...(key === null ? [] : [key.trim()]),
    ...secretsOfEnvironment(environment),
    ...named,
    ...(profile.alerts.webhook === undefined ? [] : [profile.alerts.webhook]),
    ...Object.values(profile.connect.connectors).flatMap((config) => secretsNamedIn(JSON.stringify(config))),
  ]);
}

async function collectAnswers(
  bundle: Bundle,
  context: MachineContext,
  ref: BundleRequest,
  operation: OperationContext,
): Promise<void> {
  const silent = { ...operation, emit: () => {} };
  const { host, umask, temporaryDir, environment, paths, profile, version } = context;
  await bundle.addAnswer('versions.json', () => withinTime(versions(version)));
  await bundle.addJson('machine.json', {
    host,
    umask,
    temporaryDir,
    home: paths.home,
    environment: shown(environment),
  });
  await bundle.addJson('profile.json', profile);
  await bundle.addAnswer('doctor.json', () =>
    doctor({ ...ref, names: [], fix: false, timeout: `${answerMs}ms` }, silent),
  );
  await bundle.addAnswer('status.json', () => withinTime(status(ref)));
}

/** A supervisor that hangs must not keep the bundle from being made. */
function withinTime<T>(asked: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, fail) => {
    setTimeout(() => fail(new Error(`no answer in ${answerMs / 1000} s`)), answerMs).unref();
  });
  return Promise.race([asked, late]);
}

/** Values of variables that say where things are; of all others only that they are set. */
function shown(environment: MachineContext['environment']): Record<string, string> {
  const plain = /^(PATH|LANG|LC_\w+|TZ|TMPDIR|TERM|SHELL|CI|LAMBDACTL_(HOME|STACK|PYTHON|JSON|PROFILE|MAVEN_MIRROR))$/;
  const names = Object.keys(environment).sort();
  return Object.fromEntries(names.map((name) => [name, plain.test(name) ? (environment[name] ?? '') : '(set)']));
}

async function collectFiles(
  bundle: Bundle,
  { files, paths }: MachineContext,
  configs: readonly string[],
): Promise<void> {
  for (const name of ownFiles) await bundle.addFile(`stack/${name}`, join(paths.stackDir, name), logBytes);
  // Passwords that cannot be known cannot be recognised, and configs are where they stand.
  if ('error' in files.credentials)
    bundle.leftOut.push('stack/conf: the stack’s secrets cannot be opened, so that they could not be taken out');
  else
    for (const name of configs)
      await bundle.addFile(`stack/conf/${name}`, join(paths.stackDir, 'conf', name), configBytes);
  for (const name of await filesBelow(paths.logDir)) {
    if (name.endsWith('.log')) await bundle.addFile(`logs/${name}`, join(paths.logDir, name), logBytes);
  }
  bundle.leftOut.push('secrets.json, secrets.key and all data, always');
}
