import { componentNames } from '../platform/pipeline.ts';
import type { CheckContext } from './contract.ts';

/** A stack, as far as its name goes. */
interface Named {
  paths: { stack: string };
}

/** A lambdactl command for a stack, as a user types it. */
export function commandFor({ paths: { stack } }: Named, words: string): string {
  return `lambdactl ${words}${stack === 'default' ? '' : ` --stack ${stack}`}`;
}

/**
 * The `up` that brings back what the last one wanted. Without names it would bring everything there is, which is another stack than the one
 * that was chosen with --only or --without.
 */
export function upCommand(context: Named & Pick<CheckContext, 'wanted'>): string {
  const { wanted } = context;
  const partly = wanted.length > 0 && wanted.length < componentNames.length;
  return [commandFor(context, 'up'), ...(partly ? wanted.map((name) => `--only ${name}`) : [])].join(' ');
}
