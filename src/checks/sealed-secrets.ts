import { createPrivateKey } from 'node:crypto';
import { LambdaError } from '../core/errors.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Finding } from './contract.ts';
import { type MachineCheck, type MachineContext, type Reading, readError, valueIn } from './machine.ts';

/** The sealed secrets open with the key, and hold what the profile and its components need. */
export const sealedSecrets: MachineCheck = {
  name: 'sealed-secrets',
  area: 'secrets',
  title: 'the key opens the secrets, and none is missing',
  needs: [],
  async run(context) {
    const { credentials } = context.files;
    const what = readError(credentials);
    if (what !== null) return { detail: what, findings: [closed(what, credentials)] };
    const count = Object.keys(valueIn(credentials) ?? {}).length;
    const detail = count === 0 ? 'none yet; `up` makes them' : `${count} open with the key`;
    return { detail, findings: [...missing(context), ...accounts(context)] };
  },
};

function closed(what: string, reading: Reading<unknown>): Finding {
  const advice = 'error' in reading && reading.error instanceof LambdaError ? reading.error.actions.join(' ') : '';
  return {
    severity: 'error',
    what,
    why: `No component can be asked or started without its password. ${advice}`.trim(),
    fix: null,
  };
}

/** Credentials that components make for themselves. */
function missing({ files, chosen, wanted, paths }: MachineContext): Finding[] {
  const present = valueIn(files.credentials) ?? {};
  const absent = chosen
    .filter(({ name }) => wanted.includes(name))
    .flatMap(({ credentials }) => credentials)
    .filter((id) => !Object.hasOwn(present, id));
  if (absent.length === 0) return [];
  return [
    {
      severity: 'error',
      what: `credentials are missing: ${[...new Set(absent)].join(', ')}`,
      why: 'The components they belong to cannot be asked or started; `up` makes what is missing.',
      fix: { command: upCommand({ paths, wanted }), safe: true },
    },
  ];
}

/** Accounts that the user brings, where the profile names them. */
function accounts({ files, profile, paths }: MachineContext): Finding[] {
  const present = valueIn(files.credentials) ?? {};
  const needed = [
    ...(profile.lake.storage.kind === 's3' ? ['s3'] : []),
    ...(profile.warehouse.target === 'snowflake' ? ['snowflake'] : []),
  ];
  return needed.flatMap((name): Finding[] => {
    const account = present[`account.${name}`];
    const command = commandFor({ paths }, `secrets set ${name}`);
    if (account === undefined) {
      const what = `profile ${profile.name} uses ${name}, and no credentials of it are set`;
      return [{ severity: 'error', what, why: 'Nothing can be written there.', fix: { command, safe: false } }];
    }
    if (name !== 'snowflake' || isPrivateKey(account.secret)) return [];
    const what = `the private key for Snowflake user ${account.user} cannot be read as one`;
    return [{ severity: 'error', what, why: 'Every login is refused.', fix: { command, safe: false } }];
  });
}

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}
