import { describe, expect, it } from 'vitest';
import type { Passage } from '../../../host/domain/document.ts';
import { structureOf } from '../../../host/domain/media-type.ts';
import { splitText } from '../../../host/indexing/split.ts';
import { seededRandom } from '../../helpers/random.ts';

const MARKDOWN = 'text/markdown';
const PLAIN = 'text/plain';

function split(text: string, mediaType: string, target?: number): Passage[] {
  const readable = { structure: structureOf(mediaType) ?? 'markdown', parts: [{ label: '', text }] };
  return [...splitText(readable, target)].filter((piece) => piece !== undefined).map((piece, position) => ({ position, ...piece }));
}

function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** All that can be found: the passages with the headings above them. */
function searchable(text: string, mediaType: string): Set<string> {
  return new Set(split(text, mediaType).flatMap(({ headings, text: passage }) => words([...headings, passage].join('\n'))));
}

function lost(text: string, mediaType: string): string[] {
  const found = searchable(text, mediaType);
  return words(text).filter((word) => !found.has(word));
}

function paragraph(seed: number, count: number): string {
  return Array.from({ length: count }, (_, at) => `word${seed}x${at}`).join(' ');
}

describe('passages', () => {
  it('count from 0 and hold the text in its order', () => {
    const text = Array.from({ length: 30 }, (_, at) => `${paragraph(at, 40)}.`).join('\n\n');
    const passages = split(text, PLAIN);
    expect(passages.map(({ position }) => position)).toEqual(passages.map((_, at) => at));
    expect(passages.length).toBeGreaterThan(3);
    expect(words(passages.map((passage) => passage.text).join('\n'))).toEqual(words(text));
  });

  it('are the same for the same text', () => {
    const text = `# A\n\n${paragraph(1, 900)}\n\n## B\n${paragraph(2, 20)}`;
    expect(split(text, MARKDOWN)).toEqual(split(text, MARKDOWN));
  });

  it.each(['', ' \n\t\n ', '---\n***\n...', '\u200b\n', '# \n## \n'])('are none for text without a word: %j', (text) => {
    expect(split(text, MARKDOWN)).toEqual([]);
  });

  it('stay near their target, whatever the lines are like', () => {
    const texts = [
      paragraph(1, 5_000),
      paragraph(2, 5_000).replaceAll(' ', '\n'),
      paragraph(3, 5_000).replaceAll(' ', '\n\n'),
      'x'.repeat(50_000),
      '字'.repeat(50_000),
    ];
    for (const text of texts) {
      for (const { text: passage } of split(text, PLAIN)) expect(passage.length).toBeLessThanOrEqual(2_600);
    }
  });

  it('read every kind of line end alike', () => {
    const text = `# A\n\n${paragraph(1, 10)}\n\n${paragraph(2, 10)}`;
    for (const lineEnd of ['\r\n', '\r']) expect(split(text.replaceAll('\n', lineEnd), MARKDOWN)).toEqual(split(text, MARKDOWN));
  });

  it('hold no NUL', () => {
    expect(split('a\0b', PLAIN)).toEqual([{ position: 0, headings: [], text: 'a\ufffdb' }]);
  });
});

describe('markdown', () => {
  it('is cut at its headings, each passage with those above it', () => {
    const headings = ['', '# One\n', '## Two ##\n', '### Three\n', '## Four\n', '# Five\n'];
    const text = headings.map((heading, at) => `${heading}${paragraph(at, 60)}\n`).join('');
    expect(split(text, MARKDOWN).map(({ headings }) => headings)).toEqual([
      [],
      ['One'],
      ['One', 'Two'],
      ['One', 'Two', 'Three'],
      ['One', 'Four'],
      ['Five'],
    ]);
  });

  it('joins a section with hardly any text of its own with what lies inside it', () => {
    expect(split(`# One\nshort\n## Two\n${paragraph(1, 60)}`, MARKDOWN)).toEqual([
      { position: 0, headings: ['One'], text: `short\n\nTwo\n${paragraph(1, 60)}` },
    ]);
  });

  it('has headings that nothing lies below as a text, those under the same heading together', () => {
    expect(split(`# Guides\n## Windows\n## Linux\n# End`, MARKDOWN)).toEqual([
      { position: 0, headings: ['Guides'], text: 'Windows\nLinux' },
      { position: 1, headings: [], text: 'End' },
    ]);
    expect(split('# a\n'.repeat(10_000), MARKDOWN).length).toBeLessThan(50);
  });

  it.each([
    ['# C#', 'C#'],
    ['# C# #', 'C#'],
    ['# One ###', 'One'],
    ['# One#', 'One#'],
    ['#\tOne', 'One'],
    ['   # One', 'One'],
    ['# #', ''],
  ])('reads the heading %j as %j', (line, heading) => {
    expect(split(`${line}\n${paragraph(1, 60)}`, MARKDOWN)[0]?.headings).toEqual([heading]);
  });

  it.each(['#hashtag', '    # code', '####### seven', '\\# escaped'])('does not read %j as a heading', (line) => {
    expect(split(`${line}\n${paragraph(1, 60)}`, MARKDOWN)[0]?.headings).toEqual([]);
  });

  it.each([
    ['backticks', '```sh\n# comment\n```'],
    ['more backticks than inside', '````md\n```\n# comment\n```\n````'],
    ['tildes', '~~~\n# comment\n```\n# comment\n~~~'],
    ['a fence that names a language again', '```\n# comment\n```js\n# comment\n```'],
    ['no end', '```\n# comment'],
  ])('has no headings inside a fence with %s', (_, code) => {
    const text = `# Real\n${code}\n`;
    const headings = split(`${text}${paragraph(1, 60)}`, MARKDOWN).flatMap((passage) => passage.headings);
    expect(new Set(headings)).toEqual(new Set(['Real']));
  });

  it('goes on after a fence has ended, and after what only looks like one', () => {
    for (const before of ['```\ncode\n```', '```inline``` code', '~~~\ncode\n~~~~~', '````\n```\n````']) {
      const headings = split(`${before}\n${paragraph(0, 60)}\n# After\n${paragraph(1, 60)}`, MARKDOWN).at(-1)?.headings;
      expect([before, headings]).toEqual([before, ['After']]);
    }
  });

  it('is plain text under another media type', () => {
    expect(split(`# One\n${paragraph(1, 60)}`, PLAIN)).toEqual([{ position: 0, headings: [], text: `# One\n${paragraph(1, 60)}` }]);
    for (const type of ['text/markdown; charset=utf-8', 'TEXT/Markdown', 'text/x-markdown']) {
      expect(split(`# One\n${paragraph(1, 60)}`, type)[0]?.headings).toEqual(['One']);
    }
  });
});

describe('no word is lost', () => {
  it.each<[string, string]>([
    ['of headings without text', '# Alpha\n# Beta\n\n## Gamma\n'],
    ['of a heading at the end', `# Alpha\n${paragraph(1, 80)}\n## Omega`],
    ['of headings before others of their level', `## Windows\n## Linux\n${paragraph(1, 80)}`],
    ['of a long line of words', paragraph(1, 20_000)],
    ['of a long line with tabs', paragraph(1, 5_000).replaceAll(' ', '\t')],
    ['of a long line with commas', paragraph(1, 5_000).replaceAll(' ', ',')],
    ['of minified code', Array.from({ length: 4_000 }, (_, at) => `name${at}=(value${at}+1);`).join('')],
    ['of a long line with non-breaking spaces', paragraph(1, 5_000).replaceAll(' ', '\u00a0')],
    ['of words as long as half a passage', Array.from({ length: 20 }, (_, at) => `w${at}${'x'.repeat(1_000)}`).join(' ')],
    ['of many short lines', paragraph(1, 5_000).replaceAll(' ', '\n')],
    ['of many empty lines', `alpha\n${'\n'.repeat(5_000)}omega`],
  ])('%s', (_, text) => {
    expect(lost(text, MARKDOWN)).toEqual([]);
    expect(lost(text, PLAIN)).toEqual([]);
  });

  it('in any mixture of structure', () => {
    const random = seededRandom(7);
    const parts = ['# ', '## ', '### ', '```\n', '~~~\n', '\n', '\n\n', '    ', '- ', '| a | b |\n', '> ', '\t', '<p>', '---\n'];
    for (let round = 0; round < 60; round += 1) {
      const text = Array.from(
        { length: 120 },
        (_, at) =>
          `${parts[random.below(parts.length)] ?? ''}${paragraph(round * 1_000 + at, random.below(30))}${random.below(2) === 0 ? '\n' : ' '}`,
      ).join('');
      expect(lost(text, MARKDOWN)).toEqual([]);
      expect(lost(text, PLAIN)).toEqual([]);
    }
  });
});

describe('a surrogate pair', () => {
  it('is never cut in two', () => {
    for (let shift = 0; shift < 4; shift += 1) {
      const text = `${'x'.repeat(shift)}${'😀'.repeat(10_000)}𝒳${'𝒳'.repeat(10_000)}`;
      const passages = split(text, PLAIN);
      expect(passages.every((passage) => passage.text.isWellFormed())).toBe(true);
      expect(
        passages
          .map((passage) => passage.text)
          .join('')
          .replaceAll(/\s/g, ''),
      ).toContain('𝒳'.repeat(1_000));
    }
  });
});

describe('time', () => {
  it.each<[string, (size: number) => string]>([
    ['one line of letters', (size) => 'x'.repeat(size)],
    ['one line of spaces', (size) => `a${' '.repeat(size)}b`],
    ['one heading of spaces', (size) => `# a${' '.repeat(size)}b`],
    ['one heading of hashes', (size) => `# a${'#'.repeat(size)}b`],
    ['one heading of hashes and spaces', (size) => `# ${'# '.repeat(size / 2)}b`],
    ['one heading of tabs', (size) => `#${'\t'.repeat(size)}b`],
    ['lines of spaces', (size) => `${' '.repeat(50)}\n`.repeat(size / 50)],
    ['line ends', (size) => `a${'\n'.repeat(size)}b`],
    ['short lines under a short section', (size) => `# a\nb\n## c\n${'d\n'.repeat(size / 2)}`],
    ['empty headings', (size) => `a\n${'# \n'.repeat(size / 3)}`],
    ['short headings', (size) => '# a\n'.repeat(size / 4)],
    ['nested headings', (size) => '# a\n## b\n### c\nd\n'.repeat(size / 16)],
    ['fences', (size) => '```\n'.repeat(size / 4)],
    ['paragraphs of one letter', (size) => 'a\n\n'.repeat(size / 3)],
    ['emoji', (size) => '😀'.repeat(size / 2)],
    ['opening fences', (size) => '`'.repeat(size)],
  ])('grows no faster than the text: %s', (_, make) => {
    const text = make(600_000);
    const startedMs = performance.now();
    split(text, MARKDOWN);
    // Linear is some 50 ms; quadratic is minutes.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
