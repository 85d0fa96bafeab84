import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with one line that people and machines read alike: `N passed, N failed[, N skipped]`. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.children.size === 0) counts.failed += 1;
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
    }
    const skipped = counts.skipped + counts.pending;
    // After every other reporter's summary, so that it is the last line.
    process.on('exit', () => {
      // A run that broke outside of any test has failed too.
      const failed = counts.failed === 0 && (process.exitCode ?? 0) !== 0 ? 1 : counts.failed;
      process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
    });
  }
}
