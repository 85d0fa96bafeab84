import { describe, expect, it } from 'vitest';
import { looksLike } from '../../../host/domain/look-alike.ts';

describe('two names can be taken for one another', () => {
  it.each([
    ['github', 'gitub'],
    ['github', 'githubb'],
    ['github', 'gihtub'],
    ['github', 'g1thub'],
    ['github', 'git_hub'],
    ['google_drive', 'googledrive'],
    ['google_drive', 'g00gle_drive'],
    ['confluence', 'conf1uence'],
    ['modern', 'modem'],
    ['swiftly', 'svviftly'],
    ['jira', 'jlra'],
    ['s3', '53'],
  ])('%s and %s', (a, b) => {
    expect([looksLike(a, b), looksLike(b, a)]).toEqual([true, true]);
  });
});

describe('two names are different', () => {
  it.each([
    ['github', 'github'],
    ['github', 'gitlab'],
    ['slack', 'teams'],
    ['google_drive', 'google_docs'],
    ['jira', 'jira_cloud'],
    ['s3', 'r2'],
  ])('%s and %s', (a, b) => {
    expect(looksLike(a, b)).toBe(false);
  });
});
