import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memoryBudgetMiB, type ProfileSource, resolveProfile } from './profile.ts';

const shipped = (name: string): ProfileSource => ({
  path: `profiles/${name}.yaml`,
  text: readFileSync(new URL(`../../profiles/${name}.yaml`, import.meta.url), 'utf8'),
});
const load = async (name: string) => shipped(name);
const withMine = (text: string) => async (ref: string) => (ref === 'mine' ? { path: 'mine.yaml', text } : shipped(ref));

describe('resolveProfile', () => {
  it('reads the shipped profiles, full extending lite', async () => {
    const lite = await resolveProfile('lite', load);
    const full = await resolveProfile('full', load);
    expect(lite.kafka).toEqual({ brokers: 1, streamPartitions: 4 });
    expect(full.kafka).toEqual({ brokers: 3, streamPartitions: 12 });
    expect(full.speed.triggerMs).toBe(lite.speed.triggerMs);
    expect(memoryBudgetMiB(lite)).toBeLessThanOrEqual(lite.totalMiB - lite.reserveMiB);
    expect(memoryBudgetMiB(full) - memoryBudgetMiB(full, [])).toBeGreaterThan(3 * full.components.kafka.memoryMiB);
  });

  it('names file, line and key of an unknown key and of a wrong value', async () => {
    const text = 'extends: lite\nname: mine\nspeed:\n  triggerMs: soon\nkafak:\n  brokers: 1\n';
    await expect(resolveProfile('mine', withMine(text))).rejects.toThrow(
      /mine\.yaml:4: speed\.triggerMs: .*[\s\S]*mine\.yaml:5: kafak/,
    );
  });

  it('refuses budgets that do not add up, YAML that does not parse, and cycles', async () => {
    await expect(resolveProfile('mine', withMine('extends: lite\nname: mine\ntotalMiB: 4096\n'))).rejects.toThrow(
      /add up to more/,
    );
    await expect(resolveProfile('mine', withMine('a: [1\n'))).rejects.toThrow(/mine\.yaml.*line 2|mine\.yaml: .*line/s);
    await expect(resolveProfile('mine', withMine('extends: mine\n'))).rejects.toThrow(/extends itself/);
  });
});
