import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/helpers/summary-reporter.ts';

// oxlint-disable-next-line import/no-default-export -- vitest wants one
export default defineConfig({
  resolve: {
    // What a component imports from the host comes from a host in memory when guest code runs in Node.js.
    alias: [{ find: /^lorelai:datasource\/([a-z-]+)@1\.0\.0$/, replacement: join(import.meta.dirname, 'datasources/sdk/testing/$1.ts') }],
  },
  test: {
    include: ['test/**/*.test.ts', 'datasources/*/test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    reporters: ['default', new SummaryReporter()],
    // Tests start real processes and servers: these bounds are for a busy two-core machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes soon or never; vitest's own second is not enough where both cores are busy.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Two at least, where vitest itself would take one of two cores: most of a test's time it waits for processes and servers.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // On a machine that others keep busy a deadline may pass first; the report names what needed its second try.
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
