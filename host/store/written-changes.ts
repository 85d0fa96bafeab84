import { setImmediate } from 'node:timers/promises';
import { toAccessList } from '../domain/access.ts';
import type { Access, Passage } from '../domain/document.ts';
import { passageHash } from '../domain/passage-hash.ts';
import { extraWords } from '../domain/words.ts';
import type { DocumentFacts, WrittenAccess } from './documents.ts';
import type { WrittenPassage } from './passages.ts';

/** What happens to one document. */
export type DocumentChange =
  /** New or changed: replaces whatever was there. `passages` have positions 0, 1, 2, … */
  | { kind: 'upsert'; document: DocumentFacts; contentHash: Uint8Array; passages: readonly Passage[] }
  /**
   * `knownVersions` has the same content hash, which covers all that is searched: passages stay;
   * version, link, author, times, access and attributes are taken over.
   */
  | { kind: 'touch'; document: DocumentFacts }
  /** Gone at the source; ignored when it is not known. */
  | { kind: 'delete'; id: string };

export interface WrittenDocument {
  document: DocumentFacts;
  access: WrittenAccess;
  contentHash: Uint8Array;
  passages: WrittenPassage[];
}

/** What becomes of each document of a batch, the last change of each id, in the form in which it is stored. */
export interface WrittenChanges {
  upserts: WrittenDocument[];
  touched: Pick<WrittenDocument, 'document' | 'access'>[];
  deleted: string[];
}

/** Documents worked on before the event loop gets a turn. */
const DOCUMENTS_PER_TURN = 50;

/** All work on changes that needs no database, so that it can be done while another batch is written. */
export async function toWrittenChanges(changes: readonly DocumentChange[]): Promise<WrittenChanges> {
  const last = new Map(changes.map((change) => [change.kind === 'delete' ? change.id : change.document.id, change]));
  const written: WrittenChanges = { upserts: [], touched: [], deleted: [] };
  const accesses = new Map<string, WrittenAccess>();
  let turn = 0;
  for (const [id, change] of last) {
    turn += 1;
    if (turn % DOCUMENTS_PER_TURN === 0) await setImmediate();
    if (change.kind === 'delete') {
      written.deleted.push(id);
      continue;
    }
    const document = cleaned(change.document);
    const access = toWrittenAccess(document.access, accesses);
    if (change.kind === 'touch') written.touched.push({ document, access });
    else {
      const passages = change.passages.map((passage) => toWrittenPassage(document, passage));
      written.upserts.push({ document, access, contentHash: change.contentHash, passages });
    }
  }
  return written;
}

/** Hardly ever are there as many of them as documents. */
function toWrittenAccess(access: Access, known: Map<string, WrittenAccess>): WrittenAccess {
  const text = JSON.stringify(access);
  const written = known.get(text) ?? { text, list: toAccessList(access) };
  known.set(text, written);
  return written;
}

function toWrittenPassage({ id, title, location }: DocumentFacts, passage: Passage): WrittenPassage {
  const text = withoutNul(passage.text);
  const headings = passage.headings.map(withoutNul);
  const hash = passageHash({ title, location, headings, text });
  const identifiers = [...location, extraWords([title, ...headings, text].join('\n'))].join(' ');
  return { position: passage.position, headings, text, sourceId: id, hash, identifiers };
}

/** Text of a source may hold NUL, which the store cannot; ids may not, and are refused before this. */
function cleaned(document: DocumentFacts): DocumentFacts {
  return {
    ...document,
    title: withoutNul(document.title),
    link: withoutNul(document.link),
    author: document.author === undefined ? undefined : withoutNul(document.author),
    version: document.version === undefined ? undefined : withoutNul(document.version),
    mediaType: withoutNul(document.mediaType),
    location: document.location.map(withoutNul),
  };
}

function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u{fffd}') : text;
}
