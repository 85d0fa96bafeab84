import { describe, expect, it } from 'vitest';
import { fromBase64, fromUtf8, timeMs, toBase64, toUtf8 } from '../index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const TEXTS = ['', 'a', 'Grüße aus Köln', '日本語', 'a\u{0}b', '🎉', '\u{d800}', 'x\u{dc00}y', '\u{feff}bom'];

describe('toUtf8() and fromUtf8()', () => {
  it.each(TEXTS)('agree with the encoding standard on %j', (text) => {
    expect(toUtf8(text)).toEqual(encoder.encode(text));
    expect(fromUtf8(toUtf8(text))).toBe(decoder.decode(encoder.encode(text)));
  });

  it('agree with the encoding standard where long texts are cut', () => {
    for (const length of [98_303, 98_304, 98_305]) {
      for (const tail of ['🎉🎉', 'é🎉é', '日本語', '\u{d83c}']) {
        const text = 'x'.repeat(length) + tail + 'y'.repeat(length);
        expect(Buffer.compare(toUtf8(text), encoder.encode(text))).toBe(0);
        expect(fromUtf8(encoder.encode(text)) === decoder.decode(encoder.encode(text))).toBe(true);
      }
    }
  });

  it.each([[[255]], [[0xc3]], [[0x61, 0xe2, 0x82]], [[0xed, 0xa0, 0x80]], [[0xf8, 0x88, 0x80, 0x80, 0x80]]])(
    'replace malformed bytes %j',
    (bytes) => {
      expect(fromUtf8(Uint8Array.from(bytes))).toBe(decoder.decode(Uint8Array.from(bytes)));
    },
  );
});

describe('toBase64() and fromBase64()', () => {
  it('go there and back, over line breaks', () => {
    expect(toBase64(new Uint8Array([0, 1, 254, 255]))).toBe('AAH+/w==');
    expect(fromBase64('AAH+\n/w==\n')).toEqual(new Uint8Array([0, 1, 254, 255]));
    expect(() => fromBase64('!')).toThrow(SyntaxError);
  });
});

describe('timeMs()', () => {
  it('reads ISO 8601 and HTTP dates, and nothing else', () => {
    expect(timeMs('2026-10-01T09:00:00Z')).toBe(1_790_845_200_000);
    expect(timeMs('Thu, 01 Oct 2026 09:00:00 GMT')).toBe(1_790_845_200_000);
    expect([timeMs('soon'), timeMs(null), timeMs(undefined)]).toEqual([undefined, undefined, undefined]);
  });
});
