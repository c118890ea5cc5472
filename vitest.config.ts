import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    // Every test file opens its own engine with its own threads; two at a time keep a small machine honest.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
