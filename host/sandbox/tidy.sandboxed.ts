/** Runs on the other side of the boundary: collects the garbage of instances, megabytes of it beside a small heap. */
import v8 from 'node:v8';

/** A process without a call for so long gives back all that it can. */
const TIDY_AFTER_MS = 500;
/** Of garbage that calls may leave before it is collected: less than the engine has room for in its space for what is new. */
const MAX_GARBAGE_BYTES = 20 * 1024 * 1024;
/** To ask the engine how much there is takes as long as a frame. */
const CALLS_BETWEEN_LOOKS = 16;

/** Told of each call's begin and end; collects garbage when there is much, and when the process has nothing else to do. */
export function tidyUp(): { begin(): void; end(): void } {
  let open = 0;
  let ended = 0;
  let timer: NodeJS.Timeout | undefined;
  let collectAtBytes = heapBytes() + MAX_GARBAGE_BYTES;
  const collect = (flavor: 'regular' | 'last-resort'): void => {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor });
    collectAtBytes = heapBytes() + MAX_GARBAGE_BYTES;
  };
  return {
    begin() {
      open += 1;
      clearTimeout(timer);
    },
    end() {
      open -= 1;
      ended += 1;
      // The engine would copy the garbage of past instances around first: what is old and dead keeps alive what is new.
      if (ended % CALLS_BETWEEN_LOOKS === 0 && heapBytes() > collectAtBytes) collect('regular');
      // Left alone it would keep for good what was piled up when the last call ended, and the room that this took.
      if (open === 0) timer = setTimeout(collect, TIDY_AFTER_MS, 'last-resort');
    },
  };
}

function heapBytes(): number {
  return v8.getHeapStatistics().used_heap_size;
}
