import { describe, expect, it } from 'vitest';
import { matchesAnyOrigin, originOf, parseOriginPattern } from '../../../host/domain/origin-pattern.ts';

function matches(url: string, ...patterns: string[]): boolean {
  return matchesAnyOrigin(new URL(url), patterns);
}

describe('an origin without a wildcard', () => {
  it.each([
    ['https://api.github.com', 'https://api.github.com/repos?x=1'],
    ['https://api.github.com', 'https://api.github.com:443/'],
    ['https://API.GitHub.com', 'https://api.github.com/'],
    ['https://api.github.com', 'https://API.GITHUB.COM/'],
    ['https://ghe.example.com:8443', 'https://ghe.example.com:8443/api/v3'],
    ['http://127.0.0.1:4001', 'http://127.0.0.1:4001/'],
    ['http://127.0.0.1:4001', 'http://0x7f.1:4001/'],
    ['http://[::1]:4001', 'http://[0:0:0:0:0:0:0:1]:4001/'],
    ['https://bücher.example', 'https://xn--bcher-kva.example/'],
  ])('%s covers %s', (pattern, url) => {
    expect(matches(url, pattern)).toBe(true);
  });

  it.each([
    ['https://api.github.com', 'http://api.github.com/'],
    ['https://api.github.com', 'https://api.github.com:8443/'],
    ['https://api.github.com:8443', 'https://api.github.com/'],
    ['https://api.github.com', 'https://github.com/'],
    ['https://api.github.com', 'https://xapi.github.com/'],
    ['https://api.github.com', 'https://evil.api.github.com/'],
    ['https://api.github.com', 'https://api.github.com.evil.example/'],
    ['https://api.github.com', 'https://api.github.com./'],
    ['https://api.github.com', 'https://api.github.com@evil.example/'],
    ['https://api.github.com', 'https://evil.example/https://api.github.com'],
    ['https://api.github.com', 'https://api-github.com/'],
    ['https://bücher.example', 'https://bucher.example/'],
  ])('%s does not cover %s', (pattern, url) => {
    expect(matches(url, pattern)).toBe(false);
  });
});

describe('an origin with a wildcard', () => {
  it.each([
    ['https://*.example.com', 'https://a.example.com/'],
    ['https://*.example.com', 'https://a.b.c.example.com/'],
    ['https://*.example.com:8443', 'https://a.example.com:8443/'],
    ['https://*.EXAMPLE.com', 'https://a.example.com/'],
  ])('%s covers %s', (pattern, url) => {
    expect(matches(url, pattern)).toBe(true);
  });

  it.each([
    ['https://*.example.com', 'https://example.com/'],
    ['https://*.example.com', 'https://aexample.com/'],
    ['https://*.example.com', 'https://.example.com/'],
    ['https://*.example.com', 'https://..example.com/'],
    ['https://*.example.com', 'https://example.com.evil.example/'],
    ['https://*.example.com', 'https://a.example.com.evil.example/'],
    ['https://*.example.com', 'https://a.example.com:8443/'],
    ['https://*.example.com', 'http://a.example.com/'],
    ['https://*.example.com', 'https://a.example.com./'],
  ])('%s does not cover %s', (pattern, url) => {
    expect(matches(url, pattern)).toBe(false);
  });
});

describe('what is no origin', () => {
  it.each([
    '',
    '*',
    'https://',
    'https://*',
    'https://*.com',
    'https://*.localhost',
    'https://**.example.com',
    'https://a.*.example.com',
    'https://example.*',
    'https://exa*mple.com',
    'https://*example.com',
    'https://*.127.0.0.1',
    'https://*.0.0.1',
    'https://*.0x7f.1',
    'https://*.[::1]',
    'https://example.com/',
    'https://example.com/path',
    'https://example.com\\path',
    'https://example.com?query',
    'https://example.com#fragment',
    'https://user@example.com',
    'https://user:password@example.com',
    'https://exa mple.com',
    'https://example.com:99999',
    'https://example.com:port',
    'https://exa%mple.com',
    'ftp://example.com',
    'ws://example.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'HTTPS://example.com',
    'example.com',
    '//example.com',
    ' https://example.com',
    'https://example.com\n',
  ])('%j does not parse and covers nothing', (text) => {
    expect(parseOriginPattern(text)).toBeUndefined();
    expect(matches('https://example.com/', text)).toBe(false);
  });
});

describe('originOf()', () => {
  it.each([
    ['https://ghe.example.com/api/v3', 'https://ghe.example.com'],
    ['https://ghe.example.com:443/', 'https://ghe.example.com'],
    ['http://localhost:3000/x', 'http://localhost:3000'],
    ['https://user:secret@example.com', 'https://example.com'],
    ['https://*.example.com/api', undefined],
    ['https://a*.example.com', undefined],
    ['ftp://example.com', undefined],
    ['data:text/plain,x', undefined],
    ['example.com', undefined],
    ['', undefined],
  ])('of %j is %j', (url, origin) => {
    expect(originOf(url)).toBe(origin);
  });
});
