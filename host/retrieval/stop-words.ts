/** English words that say how a sentence is built and not what it is about, by kind. */
const KINDS = [
  // articles, pronouns, determiners
  'a an the i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers',
  'herself it its itself they them their theirs themselves this that these those who whom whose which what whatever',
  'any all each every some such no nor not none other another both either neither own same one ones few many much more most',
  // prepositions and conjunctions
  'of in on at by for with about against between into through during before after above below to from up down out off over',
  'under upon within without along across among toward towards onto via per and or but if because as until while than then',
  'so though although unless whether since also too only just very',
  // forms of be, have, do, and helpers
  'am is are was were be been being have has had having do does did doing done can could shall should will would may might',
  'must ought cannot',
  // what is left of contractions at the apostrophe
  's t d ll m re ve don doesn didn isn aren wasn weren hasn haven hadn won wouldn shouldn couldn can',
  // asking
  'how when where why there here please tell show give get got',
];

/** Whether a lower-case word is too common to say what a question is about. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

const STOP_WORDS: ReadonlySet<string> = new Set(KINDS.join(' ').split(' '));
