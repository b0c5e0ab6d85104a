import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/cassandra/lender.ts'],
    // They end what hangs, and judge nothing: a starved machine was seen to hold up a write to its disk for half a minute.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
