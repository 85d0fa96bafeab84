import { describe, expect, it } from 'vitest';
import { extractText } from '../../../host/indexing/extract.ts';

function extract(mediaType: string, content: string | Uint8Array): unknown {
  return extractText({ mediaType, content: typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content });
}

describe('extractText()', () => {
  it.each([
    'text/plain',
    'TEXT/Plain',
    'text/markdown; charset=utf-8',
    'text/x-anything',
    'application/json',
    'application/problem+json',
    'image/svg+xml',
    'application/yaml',
    'application/toml;x=y',
  ])('reads %s', (mediaType) => {
    expect(extract(mediaType, 'Grüße 😀')).toEqual({ ok: true, text: 'Grüße 😀' });
  });

  it.each(['image/png', 'application/pdf', 'application/octet-stream', 'application/zip', '', 'text', 'nonsense', 'application/jsonx'])(
    'does not read %j, and says why',
    (mediaType) => {
      expect(extract(mediaType, 'text')).toEqual({ ok: false, reason: expect.stringContaining('is not text') });
    },
  );

  it.each<[string, number[], string]>([
    ['text/plain; charset=iso-8859-1', [0xe4], 'ä'],
    ['text/plain; charset="utf-16le"', [0x61, 0], 'a'],
    ['text/plain; CHARSET=Shift_JIS', [0x82, 0xa0], 'あ'],
    ['text/plain; charset=utf-8', [0xef, 0xbb, 0xbf, 0x61], 'a'],
  ])('reads %s', (mediaType, content, text) => {
    expect(extract(mediaType, Uint8Array.from(content))).toEqual({ ok: true, text });
  });

  it.each([
    ['text/plain; charset=klingon', 'charset klingon is not known'],
    ['text/plain; charset=replacement', 'charset replacement is not known'],
    [`text/plain; charset=${'x'.repeat(200)}`, `charset ${'x'.repeat(40)} is not known`],
  ])('knows no charset of %s', (mediaType, reason) => {
    expect(extract(mediaType, 'text')).toEqual({ ok: false, reason });
  });

  it('finds bytes that are not what the media type says', () => {
    expect(extract('text/plain', Uint8Array.of(0xff, 0xfe))).toEqual({ ok: false, reason: 'the content is not utf-8' });
    expect(extract('text/plain', Uint8Array.of(0xed, 0xa0, 0x80))).toEqual({ ok: false, reason: 'the content is not utf-8' });
  });

  it('reads an empty file as empty text', () => {
    expect(extract('text/plain', '')).toEqual({ ok: true, text: '' });
  });
});
