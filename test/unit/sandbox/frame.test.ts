import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameError, FrameReader, type Wire } from '../../../host/sandbox/frame.ts';
import { seededRandom } from '../../helpers/random.ts';

const MAX_BYTES = 1024 * 1024;

/** A frame as a hostile peer may write it: any JSON text, any bytes beside it. */
function rawFrame(json: string | Uint8Array, blobs: Uint8Array = new Uint8Array(0), jsonBytes?: number): Uint8Array {
  const text = Buffer.from(json);
  const frame = Buffer.alloc(8 + text.byteLength + blobs.byteLength);
  frame.writeUInt32BE(4 + text.byteLength + blobs.byteLength, 0);
  frame.writeUInt32BE(jsonBytes ?? text.byteLength, 4);
  frame.set(text, 8);
  frame.set(blobs, 8 + text.byteLength);
  return new Uint8Array(frame);
}

function decode(frame: Uint8Array, maxBytes = MAX_BYTES): unknown {
  return new FrameReader(maxBytes).push(frame)[0];
}

const SAMPLE = {
  text: 'Straße 😀 \u2028 "quoted" \u0000',
  bytes: Uint8Array.of(0, 1, 255, 0),
  empty: new Uint8Array(0),
  nested: [{ content: Uint8Array.of(7) }, null, true, -1.5, 2 ** 53 - 1, '', [], {}],
};

describe('a frame', () => {
  it('brings values and byte strings to the other side unchanged', () => {
    expect(decode(encodeFrame(SAMPLE))).toEqual(SAMPLE);
  });

  it.each<[string, Wire, unknown]>([
    ['64-bit numbers as numbers', { seen: 12n }, { seen: 12 }],
    ['an absent field as absent', { version: undefined, id: 'a' }, { id: 'a' }],
    ['an absent entry of a list as null', ['a', undefined], ['a', null]],
    ['a view of a larger buffer as its own bytes', new Uint8Array([1, 2, 3, 4]).subarray(1, 3), Uint8Array.of(2, 3)],
    ['half of a surrogate pair as it is', '\ud83d', '\ud83d'],
  ])('carries %s', (_, sent, received) => {
    expect(decode(encodeFrame(sent))).toEqual(received);
  });

  it('gives bytes that do not share memory with the stream', () => {
    const frame = encodeFrame({ content: Uint8Array.of(1, 2, 3) });
    const value = decode(frame);
    frame.fill(0);
    expect(value).toEqual({ content: Uint8Array.of(1, 2, 3) });
  });

  it('is put together again wherever the stream is cut', () => {
    const stream = Buffer.concat([encodeFrame(SAMPLE), encodeFrame('second'), encodeFrame(Uint8Array.of(9))]);
    for (let cut = 0; cut <= stream.byteLength; cut += 1) {
      const reader = new FrameReader(MAX_BYTES);
      const values = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
      expect(values).toEqual([SAMPLE, 'second', Uint8Array.of(9)]);
    }
  });

  it('is put together again byte by byte', () => {
    const reader = new FrameReader(MAX_BYTES);
    const values = [...encodeFrame(SAMPLE)].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    expect(values).toEqual([SAMPLE]);
  });

  it('costs no more than itself when it comes byte by byte', () => {
    const reader = new FrameReader(16 * MAX_BYTES);
    const beforeBytes = heldBytes();
    reader.push(Uint8Array.of(0x00, 0xf0, 0x00, 0x00));
    for (let count = 0; count < MAX_BYTES; count += 1) reader.push(new Uint8Array(1));
    expect(heldBytes() - beforeBytes).toBeLessThan(64 * 1024 * 1024);
    expect(() => reader.push(new Uint8Array(15 * MAX_BYTES))).toThrow('a frame does not hold JSON');
  });
});

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a frame above the limit', () => {
  it('is refused by its first four bytes, before anything of it is kept', () => {
    const header = Uint8Array.of(0x00, 0x10, 0x00, 0x01);
    expect(() => new FrameReader(MAX_BYTES).push(header)).toThrow(FrameError);
  });

  it('is told from one that just fits', () => {
    const frame = encodeFrame({ content: new Uint8Array(100) });
    expect(decode(frame, frame.byteLength - 4)).toEqual({ content: new Uint8Array(100) });
    expect(() => decode(frame, frame.byteLength - 5)).toThrow(FrameError);
  });
});

describe('a hostile frame', () => {
  it.each<[string, Uint8Array]>([
    ['that is too short for its own header', Uint8Array.of(0, 0, 0, 3, 0, 0, 0)],
    ['whose JSON is longer than itself', rawFrame('{}', new Uint8Array(0), 3)],
    ['whose JSON length has all bits set', rawFrame('{}', new Uint8Array(0), 0xffff_ffff)],
    ['without JSON', rawFrame('')],
    ['with half of a JSON text', rawFrame('{"a":')],
    ['with text that is not UTF-8', rawFrame(Uint8Array.of(0x22, 0xff, 0x22))],
    ['that names __proto__', rawFrame('{"__proto__":{"admin":true}}')],
    ['that names __proto__ further in', rawFrame('{"a":[{"__proto__":null}]}')],
    ['with a byte string that is a number', rawFrame('{"$bytes":1}', Uint8Array.of(1))],
    ['with a byte string of one number', rawFrame('{"$bytes":[0]}', Uint8Array.of(1))],
    ['with a byte string of three numbers', rawFrame('{"$bytes":[0,1,1]}', Uint8Array.of(1))],
    ['with a byte string past the end', rawFrame('{"$bytes":[0,2]}', Uint8Array.of(1))],
    ['with a byte string that begins past the end', rawFrame('{"$bytes":[2,0]}', Uint8Array.of(1))],
    ['with a negative offset', rawFrame('{"$bytes":[-1,1]}', Uint8Array.of(1))],
    ['with a negative length', rawFrame('{"$bytes":[1,-1]}', Uint8Array.of(1))],
    ['with a fractional length', rawFrame('{"$bytes":[0,0.5]}', Uint8Array.of(1))],
    ['with an offset that overflows', rawFrame('{"$bytes":[1e308,1e308]}', Uint8Array.of(1))],
    ['with text for an offset', rawFrame('{"$bytes":["0","1"]}', Uint8Array.of(1))],
    ['that counts the same bytes twice', rawFrame('[{"$bytes":[0,2]},{"$bytes":[0,2]}]', Uint8Array.of(1, 2))],
    ['nested deeper than any message', rawFrame(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    ['of a million empty objects', rawFrame(`[${'{},'.repeat(1_000_000)}{}]`)],
  ])('%s is a FrameError', (_, frame) => {
    expect(() => decode(frame, 16 * MAX_BYTES)).toThrow(FrameError);
  });

  it('changes nothing that other objects inherit', () => {
    expect(decode(rawFrame('{"constructor":{"prototype":{"polluted":true}}}'))).toEqual({ constructor: { prototype: { polluted: true } } });
    expect('polluted' in {}).toBe(false);
  });

  it('is never anything but values or a FrameError, whatever bytes are changed', () => {
    const random = seededRandom(20_260);
    const good = encodeFrame(SAMPLE);
    for (let round = 0; round < 2_000; round += 1) {
      const frame = good.slice();
      for (let changes = 1 + random.below(4); changes > 0; changes -= 1) frame[random.below(frame.byteLength)] = random.below(256);
      try {
        decode(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }
  });
});
