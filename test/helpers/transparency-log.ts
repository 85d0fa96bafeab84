import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** A log of signatures as Rekor keeps one: an RFC 6962 tree that only grows, each state of it signed. */
export interface TransparencyLog {
  /** SPKI. */
  publicKey: Buffer;
  /** Logs an entry among those of others. Gives it as a bundle has it; `promised`: with the log's word for the time. */
  add(entry: { kind: string; spec: object }, how: { at: Date; promised: boolean }): LogEntry;
}

/** The JSON form of a `TransparencyLogEntry`. */
export interface LogEntry {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof: { logIndex: string; rootHash: string; treeSize: string; hashes: string[]; checkpoint: { envelope: string } };
  canonicalizedBody: string;
}

const VERSION = '0.0.1';

/** @param origin The name under which it signs. */
export function startTransparencyLog(origin: string): TransparencyLog {
  const { publicKey: publicKeyObject, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKey = publicKeyObject.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(publicKey).digest();
  // Others were there before.
  const leaves = [0, 1, 2, 3, 4].map((other) => leafHash(Buffer.from(`entry ${other}`)));
  return {
    publicKey,
    add({ kind, spec }, { at, promised }) {
      const body = Buffer.from(canonical({ apiVersion: VERSION, kind, spec }));
      const index = leaves.push(leafHash(body)) - 1;
      // And came after it.
      leaves.push(leafHash(Buffer.from(`after ${index}`)));
      const integratedTime = Math.floor(at.getTime() / 1_000);
      const promise = canonical({ body: body.toString('base64'), integratedTime, logID: id.toString('hex'), logIndex: index });
      const root = treeHash(leaves);
      const note = `${origin}\n${leaves.length}\n${root.toString('base64')}\n`;
      const noteSignature = Buffer.concat([id.subarray(0, 4), sign('sha256', Buffer.from(note), privateKey)]).toString('base64');
      return {
        logIndex: String(index),
        logId: { keyId: id.toString('base64') },
        kindVersion: { kind, version: VERSION },
        integratedTime: String(integratedTime),
        ...(promised
          ? { inclusionPromise: { signedEntryTimestamp: sign('sha256', Buffer.from(promise), privateKey).toString('base64') } }
          : {}),
        inclusionProof: {
          logIndex: String(index),
          rootHash: root.toString('base64'),
          treeSize: String(leaves.length),
          hashes: auditPath(leaves, index).map((hash) => hash.toString('base64')),
          checkpoint: { envelope: `${note}\n\u2014 ${origin} ${noteSignature}\n` },
        },
        canonicalizedBody: body.toString('base64'),
      };
    },
  };
}

/** RFC 8785, for what is in an entry: keys in order, no spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

function leafHash(body: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(body)
    .digest();
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

/** RFC 6962, section 2.1. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) throw new TypeError('a tree has leaves');
  if (leaves.length === 1) return only;
  const split = splitOf(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** RFC 6962, section 2.1.1. */
function auditPath(leaves: readonly Buffer[], index: number): Buffer[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  return index < split
    ? [...auditPath(leaves.slice(0, split), index), treeHash(leaves.slice(split))]
    : [...auditPath(leaves.slice(split), index - split), treeHash(leaves.slice(0, split))];
}

/** The largest power of two below a size. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
