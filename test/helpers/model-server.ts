import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What a text is embedded to, by model. */
export type Embed = (text: string, model: string) => number[];

/** One request as it came. */
export interface ModelRequest {
  path: string;
  model: string;
  texts: string[];
  authorization: string | undefined;
}

/** An answer instead of the usual one; undefined lets the request pass. */
export type Instead = (request: ModelRequest, response: ServerResponse) => boolean;

/** A real server that embeds in OpenAI's form and reranks in Cohere's, deterministically. */
export interface ModelServer {
  /** With `/v1`. */
  url: string;
  /** All that came, oldest first. */
  requests: ModelRequest[];
  /** Texts that were embedded, all requests together. */
  texts(): string[];
  /** Changes what texts are embedded to. */
  embedWith(embed: Embed): void;
  /** Answers requests itself as long as it says so. */
  answerInstead(instead: Instead | undefined): void;
  close(): Promise<void>;
}

export async function startModelServer(embed: Embed = hashedWords()): Promise<ModelServer> {
  let current = embed;
  let instead: Instead | undefined;
  const requests: ModelRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void respond(incoming, outgoing);
  });

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const fields = new Map<string, unknown>(typeof body === 'object' && body !== null ? Object.entries(body) : []);
    const texts = [fields.get('input'), fields.get('documents'), fields.get('texts')].find(Array.isArray) ?? [];
    const request = {
      path: incoming.url ?? '',
      model: String(fields.get('model') ?? ''),
      texts: texts.map(String),
      authorization: incoming.headers.authorization,
    };
    requests.push(request);
    if (instead?.(request, outgoing) === true) return;
    outgoing.setHeader('content-type', 'application/json');
    if (request.path.endsWith('/rerank')) outgoing.end(JSON.stringify(reranked(String(fields.get('query')), request.texts)));
    else {
      const data = request.texts.map((text, index) => ({ index, embedding: current(text, request.model) }));
      // In another order than asked for, as some servers do.
      const usage = { prompt_tokens: request.texts.reduce((sum, text) => sum + text.split(/\s+/).length, 0) };
      outgoing.end(JSON.stringify({ data: data.toReversed(), usage }));
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1`,
    requests,
    texts: () => requests.filter(({ path }) => path.endsWith('/embeddings')).flatMap((request) => request.texts),
    embedWith: (next) => (current = next),
    answerInstead: (next) => (instead = next),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** By the words that question and text share. */
function reranked(question: string, texts: readonly string[]): object {
  const words = new Set(question.toLowerCase().split(/\W+/));
  const results = texts.map((text, index) => {
    const own = text.toLowerCase().split(/\W+/);
    return { index, relevance_score: own.filter((word) => words.has(word)).length / Math.max(1, own.length) };
  });
  return { results: results.toSorted((a, b) => b.relevance_score - a.relevance_score) };
}

const DIMENSIONS = 384;

/** Words of the same meaning, one line each, for `hashedWords`. */
export type Meanings = readonly (readonly string[])[];

/**
 * A bag of words, each thrown to a fixed direction; words of one meaning go to the same. Words that `known` leaves out go nowhere, as
 * names and codes hardly do with real models.
 */
export function hashedWords(meanings: Meanings = [], known: (word: string) => boolean = () => true): Embed {
  const meaningOf = new Map(meanings.flatMap((words, index) => words.map((word) => [word, `meaning ${index}`] as const)));
  return (text, model) => {
    const vector = new Float64Array(DIMENSIONS);
    // So that no text is without a direction.
    add(vector, direction('', model), 0.05);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}-]+/gu) ?? []) {
      const meaning = meaningOf.get(word);
      if (meaning !== undefined) add(vector, direction(meaning, model), 1);
      else if (known(word)) add(vector, direction(word, model), 0.5);
    }
    return [...vector];
  };
}

/** Means nothing, but always the same for the same text. */
export function noise(text: string, model: string): number[] {
  return direction(`noise ${text}`, model);
}

function add(vector: Float64Array, other: readonly number[], weight: number): void {
  for (const [index, value] of other.entries()) vector[index] = (vector[index] ?? 0) + weight * value;
}

/** Nearly normal numbers out of hashes. */
function direction(word: string, model: string): number[] {
  const numbers: number[] = [];
  for (let block = 0; numbers.length < DIMENSIONS; block += 1) {
    const digest = createHash('sha512').update(`${model}\0${word}\0${block}`).digest();
    for (let at = 0; at + 4 <= digest.length && numbers.length < DIMENSIONS; at += 4) {
      numbers.push([0, 1, 2, 3].reduce((sum, byte) => sum + (digest[at + byte] ?? 0) / 255 - 0.5, 0));
    }
  }
  return numbers;
}
