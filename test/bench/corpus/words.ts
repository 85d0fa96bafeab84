const SYLLABLES = ['ka', 'lo', 'mi', 'ren', 'tas', 'vo', 'du', 'shi', 'pel', 'nor', 'gra', 'fen', 'bu', 'zet', 'qui', 'os'];
const VOCABULARY = 20_000;

/** Deterministic words whose frequencies fall off as in a language (Zipf): the same number gives the same text. */
export function textOf(seed: number, words: number): string {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  const next = (): number => {
    // xorshift32 (Marsaglia, 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
  const parts: string[] = [];
  for (let index = 0; index < words; index += 1) parts.push(wordOf(Math.floor(VOCABULARY ** next())));
  return parts.join(' ');
}

/** That many sentences of that many words, each ending in a full stop. */
export function sentences(count: number, words: number): string[] {
  return Array.from({ length: count }, (_, index) => `${textOf(index, words)}.`);
}

/** The word of a rank: 1 is the most frequent. */
export function wordOf(rank: number): string {
  let rest = rank;
  let word = '';
  do {
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
    rest = Math.floor(rest / SYLLABLES.length);
  } while (rest > 0);
  return word;
}
