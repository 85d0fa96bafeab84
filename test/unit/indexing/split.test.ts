import { describe, expect, it } from 'vitest';
import type { Passage } from '../../../host/domain/document.ts';
import { structureOf } from '../../../host/domain/media-type.ts';
import { splitText } from '../../../host/indexing/split.ts';
import { estimateTokens } from '../../../host/indexing/tokens.ts';
import { seededRandom } from '../../helpers/random.ts';

const MARKDOWN = 'text/markdown';
const PLAIN = 'text/plain';
const THREAD = 'application/vnd.lorelai.thread+json';

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

function numbered(at: number): string {
  return `Sentence number ${at} says one thing about many others. `;
}

describe('sizes', () => {
  it('are those of the tokens asked for, at most', () => {
    const text = Array.from({ length: 400 }, (_, at) => numbered(at)).join('');
    for (const target of [64, 512, 2_048]) {
      const passages = split(text, PLAIN, target);
      for (const { text: passage } of passages) expect(estimateTokens(passage)).toBeLessThanOrEqual(target * 1.05);
      expect(passages.length).toBeLessThan((3 * estimateTokens(text)) / target + 2);
    }
  });

  it('leave a document that is small enough whole', () => {
    const text = Array.from({ length: 8 }, (_, at) => `${numbered(at)}\n\n${numbered(at)}`).join('\n\n');
    expect(split(text, PLAIN)).toHaveLength(1);
  });

  it('repeat a sentence where a passage begins within a paragraph, and nothing where one ends', () => {
    const within = split(Array.from({ length: 200 }, (_, at) => numbered(at)).join(''), PLAIN);
    expect(within.length).toBeGreaterThan(3);
    for (const [at, { text }] of within.slice(1).entries()) {
      const last = /number \d+(?=[^.]*\.$)/.exec(within[at]?.text ?? '')?.[0] ?? 'nothing';
      expect(text.startsWith(`Sentence ${last} `)).toBe(true);
    }
    const between = split(Array.from({ length: 200 }, (_, at) => numbered(at)).join('\n\n'), PLAIN);
    expect(between.flatMap(({ text }) => text.match(/number \d+/g) ?? [])).toHaveLength(200);
  });
});

function kept(before: string, after: string, mediaType: string): number {
  const old = new Set(split(before, mediaType).map(({ headings, text }) => JSON.stringify([headings, text])));
  const now = split(after, mediaType);
  return now.filter(({ headings, text }) => old.has(JSON.stringify([headings, text]))).length / now.length;
}

function thread(count: number): string {
  const messages = Array.from({ length: count }, (_, at) => ({ author: 'Ann', at_ms: at * 60_000, text: paragraph(at, 10) }));
  return JSON.stringify({ messages });
}

describe('an edit', () => {
  const paragraphs = Array.from({ length: 300 }, (_, at) => `${paragraph(at, 15)}.`);

  it.each([
    ['plain text', PLAIN, '\n\n'],
    ['markdown', MARKDOWN, '\n\n'],
    ['a table', MARKDOWN, '\n'],
  ])('at the beginning of %s leaves most passages as they were', (name, mediaType, gap) => {
    const lines = name === 'a table' ? ['| a | b |', '| --- | --- |', ...paragraphs.map((text) => `| ${text} | x |`)] : paragraphs;
    const changed = lines.map((line, at) => (at === 3 ? `${line.slice(0, -1)} and quite a few more words than before |` : line));
    expect(kept(lines.join(gap), changed.join(gap), mediaType)).toBeGreaterThan(0.8);
    const shorter = lines.filter((_, at) => at !== 3 && at !== 4);
    expect(kept(lines.join(gap), shorter.join(gap), mediaType)).toBeGreaterThan(0.8);
  });

  it('of one function leaves the passages of most others as they were', () => {
    const functions = Array.from({ length: 120 }, (_, at) => `def name${at}(a, b):\n    ${paragraph(at, 12)}\n    return a\n`);
    const changed = functions.map((text, at) => (at === 2 ? text.replace('return a', 'return a + b + many(more, words)') : text));
    expect(kept(functions.join('\n'), changed.join('\n'), 'text/x-python')).toBeGreaterThan(0.8);
  });

  it('at the end of a thread leaves all but the last passages as they were', () => {
    const before = split(thread(200), THREAD);
    const after = split(thread(201), THREAD);
    expect(after.slice(0, before.length - 2)).toEqual(before.slice(0, -2));
  });
});

describe('a table', () => {
  it('that is longer than a passage has its head in each', () => {
    const rows = Array.from({ length: 300 }, (_, at) => `| name${at} | value${at} |`);
    const passages = split(['# Prices', '', '| name | value |', '| --- | --- |', ...rows].join('\n'), MARKDOWN);
    expect(passages.length).toBeGreaterThan(3);
    for (const { headings, text } of passages) {
      expect(headings).toEqual(['Prices']);
      expect(text.split('\n').slice(0, 2)).toEqual(['| name | value |', '| --- | --- |']);
    }
    expect(passages.flatMap(({ text }) => text.split('\n').slice(2))).toEqual(rows);
  });
});

describe('small sections', () => {
  it('one after the other go together, as remarks do, each with who and when', () => {
    const remarks = Array.from({ length: 12 }, (_, at) => `## Ann commented on 2026-01-${10 + at}\n\nRemark ${at} is short.`);
    const passages = split(`Lead.\n\n${remarks.join('\n\n')}`, MARKDOWN);
    expect(passages).toHaveLength(1);
    for (let at = 0; at < 12; at += 1) expect(passages[0]?.text).toContain(`Ann commented on 2026-01-${10 + at}\n\nRemark ${at} is short.`);
  });

  it('under another heading stay there', () => {
    const text = `# One\n${paragraph(1, 60)}\n## A\nshort a\n# Two\n${paragraph(2, 60)}\n## B\nshort b`;
    expect(split(text, MARKDOWN).map(({ headings }) => headings)).toEqual([['One'], ['One', 'A'], ['Two'], ['Two', 'B']]);
  });

  it('have headings that are underlined too, but front matter has none', () => {
    const text = `One\n===\n${paragraph(1, 60)}\n\nTwo\n---\n${paragraph(2, 60)}`;
    expect(split(text, MARKDOWN).map(({ headings }) => headings)).toEqual([['One'], ['One', 'Two']]);
    expect(split(`---\ntitle: x\n---\n${paragraph(1, 60)}`, MARKDOWN).map(({ headings }) => headings)).toEqual([[]]);
  });

  it('of one level stay beside each other where the level above is missing', () => {
    const text = `## One\n${paragraph(1, 60)}\n## Two\n${paragraph(2, 60)}\n#### Deep\n${paragraph(3, 60)}\n#### Other\n${paragraph(4, 60)}`;
    expect(split(text, MARKDOWN).map(({ headings }) => headings)).toEqual([['One'], ['Two'], ['Two', 'Deep'], ['Two', 'Other']]);
  });
});

describe('code', () => {
  it.each([
    [
      'python',
      '@cached\ndef first(a):\n    "Says something about it."\n    return a\n\nclass Second(Base):\n    def method(self):\n        return self.value + 1\n',
      [['first'], ['Second', 'method']],
    ],
    [
      'typescript',
      'export async function first(a: string): Promise<void> {\n  await somethingElse(a);\n}\n\nexport class Second {\n  #method(value: number): number {\n    return value + this.value;\n  }\n}\n',
      [['first'], ['Second', '#method']],
    ],
    [
      'go',
      'func (s *Server) First(ctx context.Context) error {\n\treturn s.other(ctx, value)\n}\n\ntype Second struct {\n\tValue int\n\tOther string\n}\n',
      [['First'], ['Second']],
    ],
    [
      'c',
      'static int first(int a, char *b)\n{\n    if (a) {\n        return other(b);\n    }\n    return 0;\n}\n\nvoid second(void)\n{\n    first(1, "text");\n}\n',
      [['first'], ['second']],
    ],
    [
      'rust',
      'impl<T> Display for First<T> {\n    pub fn method(value: u8) -> Self {\n        Self { value, other: true }\n    }\n}\n',
      [['Display', 'method']],
    ],
  ])('in %s is cut at its definitions, each with its symbol', (language, text, expected) => {
    expect(split(text, `text/x-${language}`, 24).map(({ headings }) => headings)).toEqual(expect.arrayContaining(expected));
  });

  it('keeps comments and decorators with what they are about', () => {
    const passages = split('x = 1\n\n# About it.\n@cached\ndef first():\n    return other(value)\n', 'text/x-python', 16);
    expect(passages.find(({ headings }) => headings[0] === 'first')?.text).toMatch(/^# About it\.\n@cached\ndef first/);
  });

  it.each([
    ['one line without an end', 'a(b){c;}'.repeat(200_000)],
    ['definitions without an end', 'function f(\n'.repeat(100_000)],
    ['ever deeper definitions', Array.from({ length: 2_000 }, (_, at) => `${' '.repeat(at)}class C${at}:`).join('\n')],
    ['spaces', `${' '.repeat(1_000)}x\n`.repeat(2_000)],
    ['types without a name', `${'unsigned '.repeat(40)}\n`.repeat(5_000)],
    ['open brackets', 'f((((((((((((((((((((((((((((((((((((\n'.repeat(20_000)],
  ])('of %s is cut without a word lost', (_, text) => {
    expect(lost(text, 'text/x-anything')).toEqual([]);
  });
});

describe('a thread', () => {
  const messages = Array.from({ length: 80 }, (_, at) => ({
    author: at % 2 === 0 ? 'Ann' : 'Bob',
    at_ms: Date.UTC(2026, 0, 31, 10, at),
    text: `Message ${at} says something that only the ones around it explain.`,
  }));

  it('has each message with who wrote it and when, among those around it', () => {
    const passages = split(JSON.stringify({ messages }), THREAD);
    expect(passages.length).toBeGreaterThan(2);
    expect(passages[0]?.text.split('\n')[1]).toBe('Bob, 2026-01-31 10:01: Message 1 says something that only the ones around it explain.');
    for (const [at, { text }] of passages.slice(1).entries()) expect(text.split('\n')[0]).toBe(passages[at]?.text.split('\n').at(-1));
    for (const { text } of passages) expect(text.split('\n').length).toBeGreaterThan(2);
  });

  it('is cut at a long pause', () => {
    const later = messages.map((message, at) => (at < 40 ? message : { ...message, at_ms: message.at_ms + 86_400_000 }));
    for (const { text } of split(JSON.stringify({ messages: later }), THREAD)) {
      expect(text.includes('2026-01-31') && text.includes('2026-02-01')).toBe(false);
    }
  });

  it('names the author of a long message wherever it is cut', () => {
    const long = JSON.stringify({ messages: [{ author: 'Ann', text: 'This goes on. '.repeat(1_000) }] });
    for (const { text } of split(long, THREAD)) expect(text.startsWith('Ann: ')).toBe(true);
  });
});
