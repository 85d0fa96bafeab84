import type { RunFeature } from '../domain/run-progress.ts';
import type { Run } from '../services/runs/run-view.ts';
import type { Cli } from './command.ts';
import { oneLine } from './format.ts';
import type { Output } from './io.ts';

/** Shows how far runs have come. */
export interface Progress {
  update(run: Run): void;
  /** Removes what it shows. */
  end(): void;
}

const CLEAR_LINE = '\r\u001b[2K';
/** Redrawing more often helps nobody. */
const REDRAW_MS = 100;

/** How a command shows how far its runs have come: not at all with `--json`. */
export function progressOf({ io, json }: Pick<Cli, 'io' | 'json'>): Progress {
  return json ? { update() {}, end() {} } : progressLine(io.stderr);
}

/** One line on a terminal that is drawn again as runs go on; where nobody is looking only why one of them waits, for its log. */
export function progressLine(output: Output, now: () => number = Date.now): Progress {
  if (output.isTTY !== true) return waitingLines(output);
  const beganMs = now();
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    update(run) {
      if (now() - drawnMs < REDRAW_MS) return;
      drawnMs = now();
      const line = progressText(run, now() - beganMs);
      output.write(CLEAR_LINE + line.slice(0, Math.max(20, (output.columns ?? 80) - 1)));
    },
    end() {
      output.write(CLEAR_LINE);
    },
  };
}

/** A line each time that a run is parked. */
function waitingLines(output: Output): Progress {
  const told = new Set<string>();
  return {
    update(run) {
      const wait = `${run.id} ${run.wakeAtMs ?? 0}`;
      if (run.state !== 'parked' || told.has(wait)) return;
      told.add(wait);
      output.write(`${progressText(run, 0)}\n`);
    },
    end() {},
  };
}

/** `issue_tracking 120/340, pull_requests waiting; 45 items/s`. */
export function progressText(run: Run, elapsedMs: number): string {
  if (run.state === 'parked')
    return `waiting until ${new Date(run.wakeAtMs ?? 0).toISOString().slice(11, 19)}: ${oneLine(run.reason ?? 'the source asked for it')}`;
  const seen = run.features.reduce((sum, feature) => sum + feature.seen, 0);
  const rate = elapsedMs < 1_000 ? '' : `; ${Math.round((seen * 1000) / elapsedMs)} items/s`;
  return `${run.features.map(featureText).join(', ')}${rate}`;
}

function featureText({ feature, state, seen, expected }: RunFeature): string {
  switch (state) {
    case 'pending':
      return `${feature} waiting`;
    case 'running':
      return `${feature} ${seen}${expected === undefined ? '' : `/${expected}`}`;
    default:
      return `${feature} ${state}`;
  }
}
