// Of two jars on one class path with the same class in two versions, the first wins, and which classes then meet is left to luck.
// So a set of jars that is added to another one's class path is compared with it when it is locked.
import { readFileSync } from 'node:fs';

export interface NamedJar {
  /** group:artifact */
  id: string;
  /** Where its bytes are. */
  path: string;
}

/**
 * Pairs "a, b: number of classes, one of them" where a jar of `added` has a class with other bytes than another jar of the same
 * class path. `shadows` names jars that may: annotations, and what stands first and is known to serve both.
 */
export function clashes(beside: readonly NamedJar[], added: readonly NamedJar[], shadows: readonly string[]): string[] {
  const owners = new Map<string, { id: string; crc: number }[]>();
  for (const { id, path } of [...beside, ...added]) {
    if (shadows.includes(id)) continue;
    for (const [name, crc] of classesOf(readFileSync(path))) {
      const known = owners.get(name) ?? [];
      owners.set(name, [...known, { id, crc }]);
    }
  }
  const ours = new Set(added.map(({ id }) => id));
  const pairs = new Map<string, { classes: number; example: string }>();
  for (const [name, list] of owners) {
    if (!list.some(({ id }) => ours.has(id)) || list.every(({ crc }) => crc === list[0]?.crc)) continue;
    const pair = list.map(({ id }) => id).join(', ');
    pairs.set(pair, { classes: (pairs.get(pair)?.classes ?? 0) + 1, example: name });
  }
  return [...pairs].map(([pair, { classes, example }]) => `${pair}: ${classes} classes, e.g. ${example}`);
}

/** Class files with the CRC of their content, from a jar's central directory; descriptions of modules and packages meet nowhere. */
function* classesOf(jar: Buffer): Generator<[string, number]> {
  const end = jar.lastIndexOf(Buffer.from('PK\x05\x06'));
  let at = jar.readUInt32LE(end + 16);
  while (jar.readUInt32LE(at) === 0x02014b50) {
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => jar.readUInt16LE(at + offset));
    const name = jar.toString('utf8', at + 46, at + 46 + (nameLength ?? 0));
    if (/^(?!META-INF\/).*(?<!module-info|package-info)\.class$/.test(name)) yield [name, jar.readUInt32LE(at + 16)];
    at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
}
