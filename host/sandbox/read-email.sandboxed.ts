/** Runs on the other side of the boundary: a mail (RFC 5322) with what is attached to it. */
import PostalMime, { type Address, type Attachment, type Email } from 'postal-mime';
import { readHtml } from './read-html.sandboxed.ts';
import { type Reading, Unreadable } from './reading.sandboxed.ts';

const MAX_PARTS_DEEP = 64;
const MAX_HEADERS_BYTES = 1024 * 1024;
const MAX_ATTACHMENTS = 100;

/** Reads what is attached, by its media type. */
export type ReadAttachment = (attachment: { mediaType: string; label: string; content: Uint8Array }) => Promise<void>;

/** Who wrote to whom and when, the text, and what is attached. Throws `Unreadable`. */
export async function readEmail(reading: Reading, content: Uint8Array, readAttachment: ReadAttachment): Promise<void> {
  const email = await parse(content);
  const writer = reading.begin();
  if (email.subject !== undefined && email.subject !== '') {
    writer.heading(1);
    writer.text(email.subject);
  }
  for (const line of headerLines(email)) {
    writer.paragraph();
    writer.text(line);
  }
  writer.paragraph();
  if (email.text !== undefined && email.text.trim() !== '') {
    for (const line of email.text.split(/\r?\n/)) {
      if (line.trim() === '') writer.paragraph();
      else {
        writer.text(line);
        writer.lineBreak();
      }
    }
  } else if (email.html !== undefined) readHtml(reading, email.html);
  for (const [index, attachment] of email.attachments.entries()) {
    if (index === MAX_ATTACHMENTS) {
      reading.note(`it has ${email.attachments.length} attachments; those after the first ${MAX_ATTACHMENTS} were left out`);
      return;
    }
    await readAttachment({ ...labelled(attachment), content: bytesOf(attachment) });
  }
}

async function parse(content: Uint8Array): Promise<Email> {
  try {
    return await PostalMime.parse(content, {
      maxNestingDepth: MAX_PARTS_DEEP,
      maxHeadersSize: MAX_HEADERS_BYTES,
      // Read like every other attachment, so that depth is counted in one place.
      forceRfc822Attachments: true,
      attachmentEncoding: 'arraybuffer',
    });
  } catch {
    throw new Unreadable('it is no mail that can be read');
  }
}

function headerLines({ from, to, cc, date }: Email): string[] {
  const lines = [
    ['From', from === undefined ? [] : [from]],
    ['To', to ?? []],
    ['Cc', cc ?? []],
  ] as const;
  const written = lines
    .filter(([, addresses]) => addresses.length > 0)
    .map(([name, addresses]) => `${name}: ${addresses.slice(0, 20).map(personOf).join(', ')}`);
  return date === undefined ? written : [...written, `Date: ${date}`];
}

function personOf({ name, address }: Address): string {
  if (address === undefined || address === '') return name;
  return name === '' ? address : `${name} (${address})`;
}

function labelled({ filename, mimeType }: Attachment): { mediaType: string; label: string } {
  return { mediaType: mimeType, label: filename === null || filename === '' ? 'Attachment' : `Attachment ${filename.slice(0, 200)}` };
}

function bytesOf({ content }: Attachment): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  return content instanceof Uint8Array ? content : new Uint8Array(content);
}
