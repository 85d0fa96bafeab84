import type { seededRandom } from './random.ts';

type Random = ReturnType<typeof seededRandom>;

/** A copy of a file that somebody has tampered with: the same seed gives the same one. */
export function mutated(file: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(file);
  const kinds: readonly (() => Uint8Array)[] = [flipBytes, writeNumbers, cutOff, cutOut, doubled, swapped];
  const kind = kinds[random.below(kinds.length)] ?? flipBytes;
  return new Uint8Array(kind());

  /** Where something interesting is: half of the time within the first kilobytes, which hold most names and sections. */
  function place(): number {
    return random.below(random.below(2) === 0 ? Math.min(8_192, copy.byteLength) : copy.byteLength);
  }

  function flipBytes(): Uint8Array {
    for (let count = 1 + random.below(16); count > 0; count -= 1) copy[place()] = random.below(256);
    return copy;
  }

  /** Lengths and counts as large as they get. */
  function writeNumbers(): Uint8Array {
    for (let count = 1 + random.below(4); count > 0; count -= 1)
      copy.set([0xff, 0xff, 0xff, 0xff, 0x0f].slice(0, copy.byteLength), Math.min(place(), copy.byteLength - 5));
    return copy;
  }

  function cutOff(): Uint8Array {
    return copy.subarray(0, place());
  }

  function cutOut(): Uint8Array {
    const from = place();
    return Buffer.concat([copy.subarray(0, from), copy.subarray(from + 1 + random.below(64))]);
  }

  function doubled(): Uint8Array {
    const from = place();
    const part = copy.subarray(from, from + 1 + random.below(4_096));
    return Buffer.concat([copy.subarray(0, from), part, part, copy.subarray(from + part.byteLength)]);
  }

  function swapped(): Uint8Array {
    const [one, other] = [place(), place()];
    const length = 1 + random.below(64);
    const first = Buffer.from(copy.subarray(one, one + length));
    copy.set(copy.subarray(other, other + first.byteLength), Math.min(one, copy.byteLength - first.byteLength));
    copy.set(first, Math.min(other, copy.byteLength - first.byteLength));
    return copy;
  }
}
