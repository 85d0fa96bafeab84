import { describe, expect, it } from 'vitest';
import { parseLinks } from '../link-header.ts';

describe('parseLinks()', () => {
  it('reads the links that GitHub sends', () => {
    const header =
      '<https://api.github.com/repositories/1/issues?page=2>; rel="next", <https://api.github.com/repositories/1/issues?page=7>; rel="last"';
    expect(parseLinks(header)).toEqual([
      { target: 'https://api.github.com/repositories/1/issues?page=2', relations: ['next'] },
      { target: 'https://api.github.com/repositories/1/issues?page=7', relations: ['last'] },
    ]);
  });

  it.each([
    ['several relations of one link', '</a>; rel="next last"', [{ target: '/a', relations: ['next', 'last'] }]],
    ['a relation without quotes', '</a>;rel=next', [{ target: '/a', relations: ['next'] }]],
    ['capitals', '</a>; REL="Next"', [{ target: '/a', relations: ['next'] }]],
    [
      'commas and semicolons in a URL',
      '<https://x.y/a,b;c?d=e,f>; rel="next"',
      [{ target: 'https://x.y/a,b;c?d=e,f', relations: ['next'] }],
    ],
    [
      'commas and quotes in a parameter',
      '</a>; title="one, \\"two\\"; rel=prev"; rel="next", </b>; rel="prev"',
      [
        { target: '/a', relations: ['next'] },
        { target: '/b', relations: ['prev'] },
      ],
    ],
    ['parameters without a value', '</a>; crossorigin; rel="next"', [{ target: '/a', relations: ['next'] }]],
    [
      'spaces where they may be',
      ' </a> ; rel = "next" ,</b>; rel=prev',
      [
        { target: '/a', relations: ['next'] },
        { target: '/b', relations: ['prev'] },
      ],
    ],
    ['a link without a relation', '</a>', [{ target: '/a', relations: [] }]],
    ['nothing', '', []],
    ['what is no link', 'next: /a', []],
  ])('reads %s', (_what, header, links) => {
    expect(parseLinks(header)).toEqual(links);
  });

  it('ends soon on a hostile header', () => {
    const startedMs = performance.now();
    parseLinks(`<${'<'.repeat(50_000)}`);
    parseLinks(`</a>${'; a="'.repeat(20_000)}`);
    parseLinks(`</a>${' '.repeat(50_000)}`);
    parseLinks(`</a>${'; a'.repeat(20_000)} !`);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
