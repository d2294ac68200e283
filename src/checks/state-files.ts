import { LambdaError } from '../core/errors.ts';
import { profileSchema } from '../platform/profile.ts';
import { commandFor } from './commands.ts';
import type { Finding } from './contract.ts';
import { type MachineCheck, type MachineContext, readError, valueIn } from './machine.ts';

/** The stack's own files can be read and are of this version. */
export const stateFiles: MachineCheck = {
  name: 'state-files',
  area: 'components',
  title: 'stack.json and state.json',
  needs: [],
  async run(context) {
    const { desired, observed } = context.files;
    const present = valueIn(desired);
    return {
      detail:
        present === null ? 'the stack was never up' : `written ${present.updatedAt}, profile ${context.profile.name}`,
      findings: [
        ...unreadable(
          desired,
          'Nothing is known of the stack without it, and commands on it end with STATE_CORRUPT.',
          context.paths.desiredFile,
        ),
        ...unreadable(
          observed,
          'What runs cannot be told, and neither `up` nor `down` goes on.',
          context.paths.observedFile,
        ),
        ...oldProfile(context),
      ],
    };
  },
};

function unreadable(reading: Parameters<typeof readError>[0], why: string, file: string): Finding[] {
  const what = readError(reading);
  if (what === null) return [];
  const advice = 'error' in reading && reading.error instanceof LambdaError ? reading.error.actions.join(' ') : '';
  return [
    {
      severity: 'error',
      what,
      why: `${why} ${advice}`.trim(),
      fix: { command: `mv ${file} ${file}.damaged`, safe: false },
    },
  ];
}

function oldProfile({ files, paths }: MachineContext): Finding[] {
  const present = valueIn(files.desired);
  if (present === null) return [];
  const parsed = profileSchema.safeParse(present.profile);
  if (parsed.success) return [];
  const [issue] = parsed.error.issues;
  return [
    {
      severity: 'error',
      what: `the profile recorded in ${paths.desiredFile} is of another version: ${issue?.path.join('.')}: ${issue?.message}`,
      why: 'Commands that need the profile end with PROFILE_INVALID until `up` has recorded it anew.',
      fix: {
        command: commandFor({ paths }, `up --profile ${String(present.profile.name ?? 'lite')}`),
        safe: false,
      },
    },
  ];
}
