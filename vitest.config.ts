import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    // Every test file opens its own engine with its own threads; two at a time keep a small machine honest.
    maxWorkers: 2,
    // No test takes more than seconds on a quiet machine; on a busy one the engine's threads wait for each other.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
