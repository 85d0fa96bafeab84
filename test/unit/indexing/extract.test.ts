import { describe, expect, it } from 'vitest';
import type { ExtractionOutcome, Extractor } from '../../../host/domain/extraction.ts';
import { extractText } from '../../../host/indexing/extract.ts';

const signal = new AbortController().signal;

/** Says what it was asked for; the real one is in test/sandbox/extraction.test.ts. */
function answering(outcome: ExtractionOutcome): Extractor & { asked: string[] } {
  const asked: string[] = [];
  return { asked, extract: ({ mediaType }, owner) => (asked.push(`${owner} ${mediaType}`), Promise.resolve(outcome)) };
}

function extract(
  mediaType: string,
  content: string | Uint8Array,
  extractor: Extractor = answering({ kind: 'unsupported' }),
): Promise<unknown> {
  const bytes = typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content;
  return extractText({ mediaType, content: bytes }, { extractor, owner: 'acme/github', signal });
}

function read(text: string, structure = 'plain', notes: string[] = []): unknown {
  return { ok: true, text: { structure, parts: [{ label: '', text }] }, notes };
}

describe('extractText()', () => {
  it.each([
    ['text/plain', 'plain'],
    ['TEXT/Plain', 'plain'],
    ['text/markdown; charset=utf-8', 'markdown'],
    ['text/x-anything', 'code'],
    ['text/x-rst', 'plain'],
    ['application/javascript', 'code'],
    ['application/json', 'plain'],
    ['application/problem+json', 'plain'],
    ['image/svg+xml', 'plain'],
    ['application/yaml', 'plain'],
    ['application/toml;x=y', 'plain'],
  ])('reads %s here, as %s', async (mediaType, structure) => {
    const extractor = answering({ kind: 'unsupported' });
    expect(await extract(mediaType, 'Grüße 😀', extractor)).toEqual(read('Grüße 😀', structure));
    expect(extractor.asked).toEqual([]);
  });

  it.each(['text/html', 'text/csv', 'text/rtf', 'application/pdf', 'message/rfc822', 'application/octet-stream'])(
    'has %s read elsewhere',
    async (mediaType) => {
      const parts = [{ label: 'Page 1', text: 'text' }];
      const extractor = answering({ kind: 'extracted', parts, notes: ['something is missing'] });
      expect(await extract(mediaType, 'x', extractor)).toEqual({
        ok: true,
        text: { structure: 'markdown', parts },
        notes: ['something is missing'],
      });
      expect(extractor.asked).toEqual([`acme/github ${mediaType}`]);
    },
  );

  it('says of a file that cannot be read whether another time may be better', async () => {
    expect(await extract('application/pdf', 'x', answering({ kind: 'refused', reason: 'why' }))).toEqual({
      ok: false,
      reason: 'why',
      again: false,
    });
    expect(await extract('application/pdf', 'x', answering({ kind: 'fault', reason: 'why' }))).toEqual({
      ok: false,
      reason: 'why',
      again: true,
    });
  });

  it.each(['image/png', 'application/pdf', 'application/octet-stream', 'application/zip', '', 'text', 'nonsense', 'application/jsonx'])(
    'does not read %j where nothing does, and says why',
    async (mediaType) => {
      expect(await extract(mediaType, 'text')).toEqual({ ok: false, reason: expect.stringContaining('is not text'), again: false });
    },
  );

  it.each<[string, number[], string]>([
    ['text/plain; charset=iso-8859-1', [0xe4], 'ä'],
    ['text/plain; charset="utf-16le"', [0x61, 0], 'a'],
    ['text/plain; CHARSET=Shift_JIS', [0x82, 0xa0], 'あ'],
    ['text/plain; charset=utf-8', [0xef, 0xbb, 0xbf, 0x61], 'a'],
  ])('reads %s', async (mediaType, content, text) => {
    expect(await extract(mediaType, Uint8Array.from(content))).toEqual(read(text));
  });

  it.each([
    ['text/plain; charset=klingon', 'charset klingon is not known'],
    ['text/plain; charset=replacement', 'charset replacement is not known'],
    [`text/plain; charset=${'x'.repeat(200)}`, `charset ${'x'.repeat(40)} is not known`],
  ])('knows no charset of %s', async (mediaType, reason) => {
    expect(await extract(mediaType, 'text')).toEqual({ ok: false, reason, again: false });
  });

  it('finds bytes that are not what the media type says', async () => {
    const refused = { ok: false, reason: 'the content is not utf-8', again: false };
    expect(await extract('text/plain', Uint8Array.of(0xff, 0xfe))).toEqual(refused);
    expect(await extract('text/plain', Uint8Array.of(0xed, 0xa0, 0x80))).toEqual(refused);
  });

  it('reads text with a few broken characters, and says so', async () => {
    const content = Buffer.concat([Buffer.from('a word '.repeat(100)), Uint8Array.of(0xff), Buffer.from(' the end')]);
    const text = `${'a word '.repeat(100)}\uFFFD the end`;
    expect(await extract('text/plain', new Uint8Array(content))).toEqual(
      read(text, 'plain', ['1 of its characters are not utf-8 and were replaced']),
    );
  });

  it('reads the beginning of a text without end, and says so', async () => {
    // 100 MB in one line, with characters of two bytes so that the bound may lie within one.
    const content = Buffer.alloc(100 * 1024 * 1024, ' ä');
    const result = await extract('text/plain', new Uint8Array(content.buffer, 0, content.length));
    expect(result).toMatchObject({ ok: true, notes: ['it has 104857600 bytes, of which the first 32 MiB are read'] });
  });

  it('reads an empty file as empty text', async () => {
    expect(await extract('text/plain', '')).toEqual(read(''));
  });

  it.each([
    ['{"messages":[{"text":"hi"}]}', undefined],
    ['nonsense', 'the thread is no JSON'],
    ['{}', 'the thread has no list `messages`'],
    ['{"messages":[{"text":"hi"},{"author":"Ann"}]}', 'messages[1] of the thread has no `text`'],
  ])('reads the thread %s', async (content, reason) => {
    const expected = reason === undefined ? read(content, 'thread') : { ok: false, reason, again: false };
    expect(await extract('application/vnd.lorelai.thread+json', content)).toEqual(expected);
  });
});
