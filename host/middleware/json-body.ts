import type { Context } from 'hono';
import { escapePointer } from '../domain/json-pointer.ts';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** The most values in a body, keys left out. Checks of a body list everything that is wrong with it: as many mistakes are work enough. */
const MAX_VALUES = 50_000;
/** The deepest nesting of a body: nothing of ours needs a tenth of it, and recursion elsewhere must end. */
const MAX_DEPTH = 64;

/**
 * The JSON value of the body; nothing when there is no body. UNSUPPORTED_MEDIA_TYPE unless it is
 * called `application/json` (which also keeps plain HTML forms out), MALFORMED_JSON unless it is
 * JSON in UTF-8, INVALID_REQUEST when it is nested too deep, holds too many values half a surrogate pair or a NUL.
 */
export async function jsonBody(c: Context<Edge>): Promise<unknown> {
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  if (bytes.length === 0) return undefined;
  if (!isJsonMediaType(c.req.header('content-type') ?? '')) {
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', 'The body is not called application/json.', {
      remedy: 'Send the header Content-Type: application/json.',
    });
  }
  const value = parse(bytes);
  refuseWhatNothingTakes(value);
  return value;
}

function isJsonMediaType(header: string): boolean {
  return /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i.test(header.trim());
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const where = cause instanceof SyntaxError ? /position \d+(?: \(line \d+ column \d+\))?/.exec(cause.message)?.[0] : undefined;
    const reason = cause instanceof SyntaxError ? 'it does not parse' : 'it is not UTF-8';
    throw new RequestError('MALFORMED_JSON', `The body is not JSON: ${reason}${where === undefined ? '' : ` at ${where}`}.`, {
      remedy: 'Send one JSON value in UTF-8.',
      // No cause: the parser's message quotes the body, which may hold a credential.
    });
  }
}

function refuseWhatNothingTakes(root: unknown): void {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: root, path: '', depth: 0 }];
  let values = 1;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path, depth } = next;
    if (typeof value === 'string') refuseWhatCannotBeStored(value, path);
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) refuse(path, `It is nested more than ${MAX_DEPTH} levels deep.`, 'Flatten it.');
    const entries = Object.entries(value);
    values += entries.length;
    if (values > MAX_VALUES) refuse('', `It holds more than ${MAX_VALUES} values.`, 'Send less at a time.');
    for (const [key, inner] of entries) {
      refuseWhatCannotBeStored(key, path);
      open.push({ value: inner, path: `${path}/${escapePointer(key)}`, depth: depth + 1 });
    }
  }
}

/** Neither comes back out of the store as it went in; the store would throw. */
function refuseWhatCannotBeStored(text: string, path: string): void {
  if (text.includes('\0')) refuse(path, 'It holds a NUL character, which cannot be stored.', 'Remove it.');
  if (!text.isWellFormed()) refuse(path, 'It holds half of a surrogate pair, which is not a character.', 'Remove it.');
}

function refuse(path: string, reason: string, remedy: string): never {
  throw new RequestError('INVALID_REQUEST', `The body cannot be used: ${reason}`, { remedy, problems: [{ path, reason, remedy }] });
}
