/**
 * Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14 (3), 1980) with the
 * changes that SQLite's FTS5 makes to it, so that a word here is the word in the index: `bli` and
 * `logi` in step 2, and nothing is done to words shorter than 3 or longer than 64 bytes.
 */

const VOWEL = /[aeiou]/;

/** The rules of a step, tried in order; the first suffix that fits decides. */
type Rule = readonly [suffix: string, replacement: string];

const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['logi', 'log'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const STEP_4: readonly string[] = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'ion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
];

/** The stem of a word that is folded (`foldWord`). */
export function stem(word: string): string {
  // FTS5 takes each byte of UTF-8 for a letter, all but the vowels of ASCII for consonants.
  const bytes = Buffer.from(word);
  if (bytes.length < 3 || bytes.length > 64) return word;
  return bytes.length === word.length ? stemLetters(word) : Buffer.from(stemLetters(bytes.toString('latin1')), 'latin1').toString();
}

function stemLetters(word: string): string {
  let result = step1c(step1b(step1a(word)));
  result = replaceSuffix(result, STEP_2);
  result = replaceSuffix(result, STEP_3);
  return step5(step4(result));
}

function step1a(word: string): string {
  if ((word.length > 4 && word.endsWith('sses')) || (word.length > 3 && word.endsWith('ies'))) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

function step1b(word: string): string {
  if (word.length > 3 && word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const suffix = ['ed', 'ing'].find((candidate) => word.endsWith(candidate));
  if (suffix === undefined) return word;
  const rest = word.slice(0, -suffix.length);
  if (!hasVowel(rest)) return word;
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (endsWithDouble(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1);
  return measure(rest) === 1 && endsWithCvc(rest) ? `${rest}e` : rest;
}

function step1c(word: string): string {
  return word.endsWith('y') && hasVowel(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word;
}

function replaceSuffix(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const rest = word.slice(0, -rule[0].length);
  return measure(rest) > 0 ? rest + rule[1] : word;
}

function step4(word: string): string {
  // The longest that fits: `ement` before `ment` before `ent`.
  const fitting = STEP_4.filter((suffix) => word.endsWith(suffix)).toSorted((a, b) => b.length - a.length)[0];
  if (fitting === undefined) return word;
  const rest = word.slice(0, -fitting.length);
  if (measure(rest) <= 1 || (fitting === 'ion' && !/[st]$/.test(rest))) return word;
  return rest;
}

function step5(word: string): string {
  let result = word;
  if (result.endsWith('e')) {
    const rest = result.slice(0, -1);
    const size = measure(rest);
    if (size > 1 || (size === 1 && !endsWithCvc(rest))) result = rest;
  }
  return result.endsWith('ll') && measure(result.slice(0, -1)) > 1 ? result.slice(0, -1) : result;
}

/** Whether the letter at a place is a vowel; `y` is one after a consonant. */
function isVowel(word: string, index: number): boolean {
  const letter = word[index] ?? '';
  if (letter === 'y') return index > 0 && !isVowel(word, index - 1);
  return VOWEL.test(letter);
}

function hasVowel(word: string): boolean {
  for (let index = 0; index < word.length; index += 1) if (isVowel(word, index)) return true;
  return false;
}

/** How often a consonant follows a vowel: the m of the paper. */
function measure(word: string): number {
  let changes = 0;
  for (let index = 1; index < word.length; index += 1) {
    if (!isVowel(word, index) && isVowel(word, index - 1)) changes += 1;
  }
  return changes;
}

function endsWithDouble(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && !VOWEL.test(word[last] ?? '');
}

function endsWithCvc(word: string): boolean {
  const last = word.length - 1;
  if (last < 2 || isVowel(word, last) || !isVowel(word, last - 1) || isVowel(word, last - 2)) return false;
  return !/[wxy]$/.test(word);
}
