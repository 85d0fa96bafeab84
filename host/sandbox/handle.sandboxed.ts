/**
 * Runs on the other side of the boundary: counts the resources that guests hold. A handle costs the guest four bytes and this
 * process an object and two entries of a table.
 */
import { Overrun } from './overrun.sandboxed.ts';

/** Of all calls in this process, which are one datasource's of one organisation. */
const held = { count: 0, most: Number.POSITIVE_INFINITY };

/** What becomes of a handle: given back by the guest, or left behind by an instance that is no more. */
class Hold {
  #ended = false;

  end(): void {
    if (!this.#ended) held.count -= 1;
    this.#ended = true;
  }
}

const forgotten = new FinalizationRegistry<Hold>((hold) => hold.end());

/** How many handles there may be at one time: the same for every call of a process. */
export function allowHandles(most: number): void {
  held.most = most;
}

/** Every resource that a guest can get. The bindings dispose of it when the guest drops its handle. */
export class Handle {
  readonly #hold = new Hold();

  constructor() {
    if (held.count >= held.most) throw new Overrun('maxHandles', held.count + 1);
    held.count += 1;
    forgotten.register(this, this.#hold);
  }

  [Symbol.dispose](): void {
    this.#hold.end();
  }
}
