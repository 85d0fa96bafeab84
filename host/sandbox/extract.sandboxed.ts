/**
 * Runs on the other side of the boundary: reads files of strangers, one after the other. What a hostile file can do to this
 * process it does to this process alone.
 *
 * One frame in for each file (`ToExtractor`), one frame out (`FromExtractor`), after a first one that says `ready`.
 */
import type { FromExtractor, ToExtractor } from './extraction-protocol.ts';
import { type Format, formatOf } from './formats.ts';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { readCsv } from './read-csv.sandboxed.ts';
import { decode, decodeHtml, readHtml } from './read-html.sandboxed.ts';
import { Enough, Reading, Unreadable } from './reading.sandboxed.ts';

const MAX_FRAME_BYTES = 512 * 1024 * 1024;
/** Mails in mails in mails. */
const MAX_DEPTH = 4;
const ENCODER = new TextEncoder();

async function extract({ id, mediaType, charset, format, content, bounds }: ToExtractor): Promise<FromExtractor> {
  const reading = new Reading(bounds);
  try {
    await read(reading, { format, mediaType, charset, content, depth: 0 });
  } catch (error) {
    if (error instanceof Unreadable) return { type: 'refused', id, reason: error.message };
    if (!(error instanceof Enough)) return { type: 'refused', id, reason: 'it is damaged' };
    reading.note(error.message);
  }
  const { parts, notes } = reading.finish();
  return { type: 'extracted', id, parts: parts.map(({ label, text }) => ({ label, text: ENCODER.encode(text) })), notes };
}

interface File {
  format: Format;
  mediaType: string;
  charset: string | undefined;
  content: Uint8Array;
  /** In how many mails it is. */
  depth: number;
}

/** Readers of formats are loaded when the first file of theirs comes: most hosts see few of them. */
async function read(reading: Reading, file: File): Promise<void> {
  const { format, content, charset } = file;
  switch (format) {
    case 'html':
      return readHtml(reading, decodeHtml(content, charset));
    case 'csv':
    case 'tsv':
      return readCsv(reading, decode(content, charset), format === 'tsv' ? '\t' : undefined);
    case 'pdf': {
      const { readPdf } = await import('./read-pdf.sandboxed.ts');
      return readPdf(reading, content);
    }
    case 'office': {
      const { readOffice } = await import('./read-office.sandboxed.ts');
      return readOffice(reading, content);
    }
    case 'rtf': {
      const { readRtf } = await import('./read-rtf.sandboxed.ts');
      return readRtf(reading, content);
    }
    case 'email': {
      const { readEmail } = await import('./read-email.sandboxed.ts');
      return readEmail(reading, content, (attachment) => readAttachment(reading, file, attachment));
    }
    default:
      return format satisfies never;
  }
}

/** An attachment that cannot be read is a note: the mail itself can be. */
async function readAttachment(
  reading: Reading,
  mail: File,
  { mediaType, label, content }: { mediaType: string; label: string; content: Uint8Array },
): Promise<void> {
  const depth = mail.depth + 1;
  const format = formatOf(mediaType, content);
  try {
    if (depth === MAX_DEPTH) throw new Unreadable('it is in too many other mails');
    if (format !== undefined) await reading.within(label, () => read(reading, { format, mediaType, charset: undefined, content, depth }));
    else if (mediaType.startsWith('text/')) reading.begin(label).text(decode(content, undefined));
    // Pictures in mails are logos and signatures.
    else if (!mediaType.startsWith('image/')) throw new Unreadable(`files of the type ${mediaType.slice(0, 100)} are not read`);
  } catch (error) {
    if (error instanceof Enough) throw error;
    const reason = error instanceof Unreadable ? error.message : 'it is damaged';
    reading.note(`${label.slice(0, 100)} was left out: ${reason}`);
  }
}

const reader = new FrameReader(MAX_FRAME_BYTES);
let queue = Promise.resolve();

function send(message: FromExtractor): void {
  process.stdout.write(encodeFrame(message as unknown as Wire));
}

process.stdin.on('data', (chunk: Uint8Array) => {
  for (const value of reader.push(chunk)) queue = queue.then(async () => send(await extract(value as ToExtractor)));
});
send({ type: 'ready' });
