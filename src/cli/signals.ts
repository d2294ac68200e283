import { LambdaError } from '../core/errors.ts';

/**
 * Aborted by the first Ctrl-C or SIGTERM, so that the operation stops at a safe point; a second one ends the process at
 * once. The reason is the error to show, with the signal's exit code.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const on = (signal: 'SIGINT' | 'SIGTERM', exitCode: 130 | 143) =>
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new Interrupted(signal, exitCode));
    });
  on('SIGINT', 130);
  on('SIGTERM', 143);
  return controller.signal;
}

class Interrupted extends LambdaError {
  override readonly exitCode: 130 | 143;

  constructor(signal: string, exitCode: 130 | 143) {
    super(`Interrupted by ${signal}.`, {
      code: 'INTERRUPTED',
      category: 'interrupted',
      actions: ['What had started keeps running: `lambdactl status` shows it, the same command goes on from there.'],
      retryable: true,
    });
    this.exitCode = exitCode;
  }
}
