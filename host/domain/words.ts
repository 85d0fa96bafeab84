/**
 * How text becomes words for search, on the way in and on the way out alike: what one side splits
 * and the other does not can never be found.
 *
 * The index's own tokeniser (unicode61 of FTS5) takes runs of letters and digits. What it does not
 * see is added beside: the parts of names in code, and pairs of characters of scripts without spaces.
 */

/** A word and where it stands, in UTF-16 code units. */
export interface LocatedWord {
  start: number;
  /** Behind its last character. */
  end: number;
  /** As `foldWord` gives it. */
  word: string;
}

/** What unicode61 takes for one word. The marks are those that it drops inside of a word. */
const TOKEN = /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\u0300-\u0331]*/gu;

/** A name as code writes it. */
const NAME = /[\p{L}\p{N}_]+/gu;
const ASCII_NAME = /\w+/g;

/** Whether a word has parts. Most have none, and this is four times as fast as splitting them. */
const HAS_PARTS = /[\p{Ll}\p{N}]\p{Lu}|\p{Lu}\p{Lu}\p{Ll}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** Where a word may have parts: in ASCII, by how small and capital letters follow each other; beyond it, anywhere. */
const MAY_HAVE_PARTS = /[a-z\d][A-Z]|[A-Z]{2}[a-z]|[^\0-\x7f]/g;

/** No word goes on behind it, or behind what comes before it in Unicode. */
const SPACE = 0x20;

/** A part of a camelCase name: `read` and `File`, `HTTP` and `Server`, `utf8` and `Decoder`. */
const CAMEL_PART = /\p{Lu}+(?!\p{Ll})[\p{Ll}\p{N}]*|\p{Lu}?[^\p{Lu}]+/gu;
/** The same of ASCII alone, which most names are: a fifth of the time. */
const ASCII_CAMEL_PART = /[A-Z]+(?![a-z])[a-z\d]*|[A-Z]?[^A-Z]+/g;

/** Scripts whose sentences, or whose compounds, have no spaces; and what stands between runs of them. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]/u;
const RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+/gu;

/** Longer runs without a space are hashes and encoded bytes; nobody asks for a part of one. */
const MAX_NAME_CHARACTERS = 100;

/**
 * Words that a text should be found by beside those that the index finds in it, separated by spaces:
 * `read file` for `readFile`, `readfile` for `read_file`, `東京 京都` for `東京都`.
 */
export function extraWords(text: string): string {
  const words = new Set<string>(joinedNames(text));
  for (const stretch of stretchesAround(MAY_HAVE_PARTS, text)) {
    // Words with other letters than ASCII's need a look at what kind of letters these are.
    if (!HAS_PARTS.test(stretch)) continue;
    for (const token of stretch.match(TOKEN) ?? []) {
      for (const { word } of partsOf(token, 0)) words.add(word);
    }
  }
  return [...words].join(' ');
}

/**
 * What stands between spaces around the matches of an expression, in order: most of a text has none, and one look over all of
 * it is five times as fast as one at each of its words.
 */
function* stretchesAround(matching: RegExp, text: string): Generator<string> {
  const places = new RegExp(matching);
  for (let place = places.exec(text); place !== null; place = places.exec(text)) {
    let [start, end] = [place.index, places.lastIndex];
    while (start > 0 && text.charCodeAt(start - 1) > SPACE) start -= 1;
    while (end < text.length && text.charCodeAt(end) > SPACE) end += 1;
    yield text.slice(start, end);
    places.lastIndex = end;
  }
}

/**
 * Every word that a text is found by, where it stands; a word with parts before its parts. Of a run
 * without spaces only the pairs: hardly any other text has the very run.
 */
export function* locatedWords(text: string): Generator<LocatedWord> {
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const parts = partsOf(token, match.index);
    if (parts.length === 0 || !UNSPACED.test(token)) yield located(token, match.index);
    yield* parts;
  }
}

/** The names with underscores in a text, without them: `readfile` for `read_file`. */
export function* joinedNames(text: string): Generator<string> {
  for (const stretch of stretchesAround(/_/g, text)) {
    for (const name of stretch.match(isAscii(stretch) ? ASCII_NAME : NAME) ?? []) {
      if (name.length > MAX_NAME_CHARACTERS || !name.includes('_')) continue;
      const pieces = name.split('_').filter((piece) => piece !== '');
      if (pieces.length > 1) yield foldWord(pieces.join(''));
    }
  }
}

/**
 * As the index compares words, before stemming: lower-case, Latin letters without their marks. (Other
 * letters keep theirs: й is no и.)
 */
export function foldWord(word: string): string {
  if (isAscii(word)) return word.toLowerCase();
  const plain = word.replace(MARKED_LATIN, (letter) => letter.normalize('NFD')).replace(/[\u0300-\u036f]/g, '');
  // The index folds letter by letter and knows no final form of sigma.
  return plain.toLowerCase().replaceAll('ς', 'σ');
}

/** Letters that may hold a mark: a text of thousands of others is folded as fast as it is read. */
const MARKED_LATIN = /[\p{Script=Latin}--[\0-\x7f]]/gv;

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function partsOf(token: string, offset: number): LocatedWord[] {
  if (token.length > MAX_NAME_CHARACTERS || !HAS_PARTS.test(token)) return [];
  if (isAscii(token)) {
    const parts = Array.from(token.matchAll(ASCII_CAMEL_PART), (part) => located(part[0], offset + part.index));
    return parts.length > 1 ? parts : [];
  }
  return [...token.matchAll(RUN)].flatMap((run) => {
    const start = offset + run.index;
    if (UNSPACED.test(run[0])) return pairs(run[0], start);
    const parts = [...run[0].matchAll(CAMEL_PART)].map((part) => located(part[0], start + part.index));
    if (run[0] === token) return parts.length > 1 ? parts : [];
    return parts.length > 1 ? [located(run[0], start), ...parts] : [located(run[0], start)];
  });
}

function pairs(run: string, offset: number): LocatedWord[] {
  const characters = [...run];
  if (characters.length === 1) return [located(run, offset)];
  let start = offset;
  return characters.slice(1).map((character, index) => {
    const first = characters[index] ?? '';
    const pair = located(first + character, start);
    start += first.length;
    return pair;
  });
}

function located(part: string, start: number): LocatedWord {
  return { start, end: start + part.length, word: foldWord(part) };
}
