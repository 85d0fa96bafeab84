import { isJsonObject } from '../domain/json.ts';
import type { Piece } from './markdown.ts';
import { joinUnits, pack } from './pack.ts';
import { hasWord } from './sections.ts';
import { estimateTokens } from './tokens.ts';
import { toUnits, type Unit } from './units.ts';

/** One message of a thread or a channel. */
interface Message {
  author: string;
  atMs: number | undefined;
  text: string;
}

/** A pause after which a conversation is another one, where there is enough of the first. */
const PAUSE_MS = 4 * 3_600_000;
/** Of a passage: the most that is repeated of what was said before. */
const NEIGHBOUR_SHARE = 4;
const MAX_AUTHOR_CHARACTERS = 100;

/**
 * The messages of `application/vnd.lorelai.thread+json`: `{"messages": [{"author": "…", "at_ms": 0, "text": "…"}]}`, oldest
 * first; `author` and `at_ms` may be missing. Or, as a string, what is wrong.
 */
export function parseThread(text: string): Message[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the thread is no JSON';
  }
  if (!isJsonObject(value) || !Array.isArray(value.messages)) return 'the thread has no list `messages`';
  const messages: Message[] = [];
  for (const [index, entry] of (value.messages as unknown[]).entries()) {
    if (!isJsonObject(entry) || typeof entry.text !== 'string') return `messages[${index}] of the thread has no \`text\``;
    const { author, at_ms: atMs } = entry as Record<string, unknown>;
    messages.push({
      author: typeof author === 'string' ? author.replace(/\s+/g, ' ').trim().slice(0, MAX_AUTHOR_CHARACTERS) : '',
      atMs: typeof atMs === 'number' && Math.abs(atMs) <= 8.64e15 ? Math.trunc(atMs) : undefined,
      text: entry.text,
    });
  }
  return messages;
}

/**
 * Messages with who wrote them and when, together with those around them: one alone hardly ever says what it is about. The
 * last message before a passage is repeated in it, unless a long pause lies between the two.
 */
export function* splitThread(messages: readonly Message[], target: number): Generator<Piece> {
  for (const talk of talksOf(messages, target)) {
    const units = talk.flatMap((message) => unitsOf(message, target));
    let before: Unit | undefined;
    for (const group of pack(units, target - Math.floor(target / NEIGHBOUR_SHARE))) {
      const [first] = group;
      const withNeighbour =
        before === undefined || before === first || before.tokens > target / NEIGHBOUR_SHARE ? group : [before, ...group];
      const text = joinUnits(withNeighbour).trim();
      if (hasWord(text)) yield { headings: [], text };
      before = group.at(-1);
    }
  }
}

function talksOf(messages: readonly Message[], target: number): Message[][] {
  const talks: Message[][] = [];
  let tokens = 0;
  let lastMs: number | undefined;
  for (const message of messages) {
    const paused = message.atMs !== undefined && lastMs !== undefined && message.atMs - lastMs > PAUSE_MS;
    if (talks.length === 0 || (paused && tokens >= target / NEIGHBOUR_SHARE)) {
      talks.push([]);
      tokens = 0;
    }
    talks.at(-1)?.push(message);
    tokens += estimateTokens(message.text);
    lastMs = message.atMs ?? lastMs;
  }
  return talks;
}

/** A long message says again who wrote it wherever it is cut. */
function unitsOf(message: Message, target: number): Unit[] {
  const lead = leadOf(message);
  const room = Math.floor(target / 2);
  return toUnits(message.text.trim(), room, '\n').map((unit) => ({
    text: lead + unit.text.trim(),
    gap: '\n',
    tokens: unit.tokens + estimateTokens(lead),
  }));
}

/** `Ann, 2026-01-31 10:05: ` */
function leadOf({ author, atMs }: Message): string {
  const time = atMs === undefined ? '' : new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
  const lead = [author, time].filter((part) => part !== '').join(', ');
  return lead === '' ? '' : `${lead}: `;
}
