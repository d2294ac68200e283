import { preflightError } from '../core/errors.ts';
import { fileSystemOf } from '../system/file-system.ts';
import type { MachineCheck } from './machine.ts';

const network = /^(nfs|nfs4|cifs|smb3|smbfs|9p|fuse\.sshfs|afs|ceph|glusterfs|lustre|ncpfs|virtiofs|davfs)$/;

/** Whether programs can be run from the home, and whether its locks and syncs can be trusted. */
export const homeFilesystem: MachineCheck = {
  name: 'home-filesystem',
  area: 'host',
  title: 'kind of file system under the home',
  needs: [],
  preflight: true,
  async run({ paths }) {
    const { type, mount, options } = await fileSystemOf(paths.home);
    const noexec = options.includes('noexec');
    const message = `${mount}, which holds ${paths.home}, is mounted noexec`;
    return {
      detail: `${type} at ${mount}`,
      findings: [
        ...(noexec
          ? [
              {
                severity: 'error' as const,
                what: message,
                why: 'No installed program can be started from it.',
                fix: null,
                refusal: preflightError(`${message}.`, {
                  code: 'PREFLIGHT_FAILED',
                  actions: ['Choose a directory on another file system with --home.'],
                  details: { mount },
                }),
              },
            ]
          : []),
        ...(network.test(type)
          ? [
              {
                severity: 'warning' as const,
                what: `${paths.home} lies on a network file system (${type})`,
                why: 'Databases want a local disk: syncs are slow or not kept, and file locks do not reach other machines.',
                fix: null,
              },
            ]
          : []),
      ],
    };
  },
};
