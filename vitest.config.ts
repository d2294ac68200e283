import { defineConfig } from 'vitest/config';

const kind = {
  test: {
    name: 'kind',
    include: ['test/kind/**/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 1_200_000,
    fileParallelism: false,
  },
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 60_000 } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000 } },
      // Real components on two cores: one file at a time, minutes allowed.
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      // A cluster made by test/rig/kind: wants root and minutes, so it runs when asked for by name only.
      ...(process.argv.some((each) => /^(--project=)?kind$/.test(each)) ? [kind] : []),
      // A real Kubernetes control plane, after the others: it wants both cores while it starts. Skipped, and counted as
      // such, where it is not built (docs/kubernetes-testing.md).
      {
        test: {
          name: 'k8s',
          include: ['test/k8s/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
