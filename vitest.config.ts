import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest wants one
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'datasources/*/test/**/*.test.ts'],
    // Tests start real processes and servers: these bounds are for a busy two-core machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
