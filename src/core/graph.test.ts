import { describe, expect, it } from 'vitest';
import { inDependencyOrder, runByDependency } from './graph.ts';

const needs: Record<string, string[]> = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['outside'] };
const dependsOn = (node: string) => needs[node] ?? [];

describe('runByDependency', () => {
  it('starts a node when its dependencies are done, independent ones together', async () => {
    const log: string[] = [];
    await runByDependency(['d', 'c', 'b', 'a', 'e'], dependsOn, async (node) => {
      log.push(`+${node}`);
      await Promise.resolve();
      log.push(`-${node}`);
    });
    expect(log.indexOf('-a')).toBeLessThan(log.indexOf('+b'));
    expect(log.indexOf('+b')).toBeLessThan(log.indexOf('-c'));
    expect(log.indexOf('+d')).toBeGreaterThan(Math.max(log.indexOf('-b'), log.indexOf('-c')));
    expect(log).toContain('-e');
  });

  it('begins nothing behind a failure and throws it', async () => {
    const begun: string[] = [];
    const run = runByDependency(['a', 'b', 'c', 'd'], dependsOn, async (node) => {
      begun.push(node);
      if (node === 'b') throw new Error('b broke');
    });
    await expect(run).rejects.toThrow('b broke');
    expect(begun).not.toContain('d');
  });

  it('names a cycle', () => {
    expect(() => inDependencyOrder(['x', 'y'], (node) => (node === 'x' ? ['y'] : ['x']))).toThrow(/x → y → x/);
  });
});
