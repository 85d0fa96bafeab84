/** One link of a `Link` header. */
export interface Link {
  /** As written: absolute or relative to the response's URL. */
  target: string;
  /** Relation types, lower-case. */
  relations: string[];
}

const LINK = /<([^>]*)>((?:\s*;\s*[^\s;=,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const REL = /;\s*rel\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/i;

/** The links of a `Link` header's value (RFC 8288, section 3). What is malformed is passed over. */
export function parseLinks(header: string): Link[] {
  return [...header.matchAll(LINK)].map(([, target = '', parameters = '']) => {
    const [, quoted, token] = REL.exec(parameters) ?? [];
    const relations = (quoted ?? token ?? '').toLowerCase().split(/\s+/);
    return { target: target.trim(), relations: relations.filter((relation) => relation !== '') };
  });
}
