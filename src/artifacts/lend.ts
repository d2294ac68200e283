import { basename, join } from 'node:path';
import { parseCoordinate } from './maven.ts';
import { type ArtifactName, artifactNames, type InstalledArtifact } from './names.ts';
import type { StoreFrame, Wanted } from './store.ts';

/** Path of a file with that sha256 in another artifact, if it is there or will be; to be verified by whoever takes it. */
export type Lender = (borrower: ArtifactName, sha256: string) => Promise<string | undefined>;

/**
 * Some jars are in two artifacts (the biggest has 69 MB): the second takes the first one's. Of those that are being installed,
 * `order`, only earlier ones lend, so that none waits for one that waits for it.
 */
export function createLender(
  frame: StoreFrame,
  order: readonly Wanted[],
  settled: (name: ArtifactName) => Promise<InstalledArtifact>,
): Lender {
  let all: Promise<Wanted[]> | undefined;
  return async (borrower, sha256) => {
    // What cannot be told for this platform lends nothing.
    all ??= frame.wanted(artifactNames, 'overview').catch(() => []);
    const position = (name: ArtifactName) => order.findIndex((each) => each.name === name);
    for (const each of await all) {
      const source = each.locked?.source;
      if (each.name === borrower || source?.kind !== 'maven' || source.unpack) continue;
      const file = source.files.find((one) => one.sha256 === sha256);
      if (file === undefined || position(each.name) > position(borrower)) continue;
      if (position(each.name) >= 0) await settled(each.name);
      return join(each.root, basename(parseCoordinate(file.coordinate).path));
    }
    return undefined;
  };
}
