/** Process exit codes; one meaning each, the same in every command. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  confirmationNeeded: 3,
  checkFailed: 10,
  preflight: 20,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** usage: the caller's input · preflight: the machine · external: another program or service · check: the thing checked is not right · bug: ours */
export type ErrorCategory = 'usage' | 'preflight' | 'external' | 'check' | 'confirmation' | 'interrupted' | 'bug';

const exitCodeOf: Record<ErrorCategory, ExitCode> = {
  usage: ExitCode.usage,
  preflight: ExitCode.preflight,
  external: ExitCode.failed,
  check: ExitCode.checkFailed,
  confirmation: ExitCode.confirmationNeeded,
  interrupted: ExitCode.interrupted,
  bug: ExitCode.failed,
};

export interface ErrorOptions {
  /** Stable upper-case identifier, e.g. PORT_BUSY; listed in docs/errors.md. */
  code: string;
  category: ErrorCategory;
  /** What the user can try next, each a sentence or a command. */
  actions?: readonly string[];
  /** Machine-readable context; never secrets. */
  details?: Record<string, unknown>;
  retryable?: boolean;
  cause?: unknown;
}

/** Every expected failure: a message for people, a code for scripts, advice for both. Anything else that is thrown is a bug. */
export class LambdaError extends Error {
  readonly code: string;
  readonly category: ErrorCategory;
  readonly exitCode: ExitCode;
  readonly actions: readonly string[];
  readonly details: Record<string, unknown>;
  readonly retryable: boolean;

  constructor(message: string, options: ErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LambdaError';
    this.code = options.code;
    this.category = options.category;
    this.exitCode = exitCodeOf[options.category];
    this.actions = options.actions ?? [];
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? false;
  }
}

type Shorthand = Omit<ErrorOptions, 'category'>;

/** The caller's input is wrong: nothing was changed, exit 2. */
export const usageError = (message: string, options: Shorthand) =>
  new LambdaError(message, { ...options, category: 'usage' });
/** The machine cannot carry what was asked: nothing was changed, exit 20. */
export const preflightError = (message: string, options: Shorthand) =>
  new LambdaError(message, { ...options, category: 'preflight' });
/** Another program or service failed, exit 1. */
export const externalError = (message: string, options: Shorthand) =>
  new LambdaError(message, { ...options, category: 'external' });

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
