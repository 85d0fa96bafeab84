import { toInteger, type Read } from './reading.ts';
import { readFileSync } from 'node:fs';
import type { EmbeddingSettings, RerankSettings } from '../domain/model-settings.ts';
import { SettingFault } from './setting-fault.ts';

/** `http://127.0.0.1:11434/v1`, without a slash at the end; undefined when empty. It may be private: operators know what they name. */
function toModelUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const plain = url !== null && url.username === '' && url.password === '' && url.hash === '' && url.search === '';
  if (plain && (url.protocol === 'https:' || url.protocol === 'http:')) return url.href.replace(/\/+$/, '');
  throw new SettingFault(
    'It is not an http or https address without a user, a query or a fragment.',
    'Set it to an address such as http://127.0.0.1:11434/v1, and the key in its own setting.',
  );
}

/** The key itself, or the first line of a file that holds it. Neither is ever repeated. */
export function toModelKey(key: string, file: string): string | undefined {
  if (key !== '' && file !== '') throw new SettingFault('The key is given twice.', 'Set either the key or the file that holds it.');
  const text = file === '' ? key : readKeyFile(file);
  if (/^[\x21-\x7e]*$/.test(text)) return text === '' ? undefined : text;
  throw new SettingFault('It is no key: it has characters that no header may hold.', 'Set it to the key alone.');
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new SettingFault('The file cannot be read.', 'Name a file that holds the key and that this user may read.');
  }
}

/** `{ space }` and the like are not read: a prefix is written as it is, in quotes where it ends with a space. */
function toPrefix(text: string): string {
  return /^"[\s\S]*"$/.test(text) ? text.slice(1, -1) : text;
}

function toRerankStyle(text: string): 'cohere' | 'tei' {
  if (text === 'cohere' || text === 'tei') return text;
  throw new SettingFault(`"${text}" is no style.`, 'Set it to cohere or tei.');
}

/** Undefined without an address. `SettingFault` when there is no model. */
function toEmbeddingSettings(
  url: string | undefined,
  settings: Omit<EmbeddingSettings, 'url' | 'model'> & { model: string },
): EmbeddingSettings | undefined {
  if (url === undefined) return undefined;
  if (settings.model === '')
    throw new SettingFault('It does not say which model.', 'Set it to the name that the endpoint knows, as in nomic-embed-text.');
  return Object.freeze({ url, ...settings });
}

/** Undefined without an address; a server of one model needs no name. */
function toRerankSettings(url: string | undefined, settings: Omit<RerankSettings, 'url'>): RerankSettings | undefined {
  return url === undefined ? undefined : Object.freeze({ url, ...settings });
}

/** What passages are embedded with; undefined without an endpoint. */
export function readEmbeddings(read: Read): EmbeddingSettings | undefined {
  const url = read('LORELAI_EMBEDDINGS_URL', toModelUrl);
  const key = read('LORELAI_EMBEDDINGS_KEY', (text) => text) ?? '';
  const settings = {
    key: read('LORELAI_EMBEDDINGS_KEY_FILE', (file) => toModelKey(key, file)),
    dimensions: read('LORELAI_EMBEDDINGS_DIMENSIONS', (text) => toInteger(text, 0, 16_384)) || undefined,
    batch: read('LORELAI_EMBEDDINGS_BATCH', (text) => toInteger(text, 1, 512)) ?? 0,
    documentPrefix: read('LORELAI_EMBEDDINGS_DOCUMENT_PREFIX', toPrefix) ?? '',
    queryPrefix: read('LORELAI_EMBEDDINGS_QUERY_PREFIX', toPrefix) ?? '',
    queryTimeoutMs: read('LORELAI_EMBEDDINGS_QUERY_TIMEOUT_MS', (text) => toInteger(text, 50, 30_000)) ?? 0,
  };
  return read('LORELAI_EMBEDDINGS_MODEL', (model) => toEmbeddingSettings(url, { ...settings, model }));
}

/** What reranks; undefined without an endpoint. */
export function readRerank(read: Read): RerankSettings | undefined {
  const key = read('LORELAI_RERANK_KEY', (text) => text) ?? '';
  const settings = {
    model: read('LORELAI_RERANK_MODEL', (text) => text) ?? '',
    key: read('LORELAI_RERANK_KEY_FILE', (file) => toModelKey(key, file)),
    style: read('LORELAI_RERANK_STYLE', toRerankStyle) ?? 'cohere',
    top: read('LORELAI_RERANK_TOP', (text) => toInteger(text, 2, 100)) ?? 0,
    timeoutMs: read('LORELAI_RERANK_TIMEOUT_MS', (text) => toInteger(text, 50, 30_000)) ?? 0,
  };
  return read('LORELAI_RERANK_URL', (text) => toRerankSettings(toModelUrl(text), settings));
}
