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
/** How often to show that time goes by. */
const TICK_MS = 1_000;

/** How a command shows how far its runs have come: not at all with `--json`. */
export function progressOf({ io, json }: Pick<Cli, 'io' | 'json'>): Progress {
  return json ? { update() {}, end() {} } : progressLine(io.stderr);
}

/**
 * One line on a terminal that is drawn again as runs go on, and each second besides, so that a source which does not answer looks like one. Why
 * a run waits stays above it, whole; where nobody is looking that is all there is, for a log.
 */
export function progressLine(output: Output, now: () => number = Date.now): Progress {
  if (output.isTTY !== true) return waitingLines(output);
  const beganMs = now();
  const waits = waitingLines({ write: (text) => output.write(CLEAR_LINE + text) });
  let drawnMs = Number.NEGATIVE_INFINITY;
  let shown: Run | undefined;
  const draw = (): void => {
    if (shown === undefined) return;
    drawnMs = now();
    // A terminal that does not know how wide it is says 0.
    const line = progressText(shown, now() - beganMs).slice(0, Math.max(20, (output.columns || 80) - 1));
    output.write(CLEAR_LINE + line);
  };
  const ticking = setInterval(draw, TICK_MS).unref();
  return {
    update(run) {
      waits.update(run);
      shown = run;
      if (now() - drawnMs >= REDRAW_MS) draw();
    },
    end() {
      clearInterval(ticking);
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

/** `issue_tracking 120/340, pull_requests waiting; 45 items/s`, or how long it has been while nothing has come. */
export function progressText(run: Run, elapsedMs: number): string {
  if (run.state === 'parked')
    return `waiting until ${new Date(run.wakeAtMs ?? 0).toISOString().slice(11, 19)} UTC: ${oneLine(run.reason ?? 'the source asked for it')}`;
  const seen = run.features.reduce((sum, feature) => sum + feature.seen, 0);
  const seconds = Math.round(elapsedMs / 1_000);
  const pace = seen === 0 ? `for ${seconds} s` : `${Math.round((seen * 1000) / elapsedMs)} items/s`;
  const begins = run.state === 'running' ? run.features.find(({ state }) => state !== 'done')?.feature : undefined;
  const features = run.features.map((one) =>
    one.feature === begins && one.state === 'pending' ? `${one.feature} begins` : featureText(one),
  );
  return `${features.join(', ')}${elapsedMs < 1_000 ? '' : `; ${pace}`}`;
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
