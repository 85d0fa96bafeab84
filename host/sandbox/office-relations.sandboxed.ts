/** Runs on the other side of the boundary: which file of an Office Open XML archive means which other one. */
import { posix } from 'node:path';
import { scanTags } from './tags.sandboxed.ts';
import type { Zip } from './zip.sandboxed.ts';

export interface Relation {
  /** The last word of its type: `slide`, `notesSlide`, `worksheet`. */
  type: string;
  /** The name of a file in the archive. */
  target: string;
}

/** What a file refers to, by id. Links that lead out of the archive are left out. */
export async function relationsOf(zip: Zip, name: string): Promise<Map<string, Relation>> {
  const folder = posix.dirname(name);
  const relations = new Map<string, Relation>();
  const xml = await zip.text(`${folder}/_rels/${posix.basename(name)}.rels`);
  scanTags(xml ?? '', 'xml', {
    open(tag, attributes) {
      const id = attributes.get('Id');
      const target = attributes.get('Target');
      if (tag !== 'Relationship' || id === undefined || target === undefined || attributes.get('TargetMode') === 'External') return;
      const path = target.startsWith('/') ? target.slice(1) : posix.join(folder, target);
      relations.set(id, { type: (attributes.get('Type') ?? '').split('/').at(-1) ?? '', target: path });
    },
    close() {},
    text() {},
  });
  return relations;
}
