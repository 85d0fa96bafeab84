/** Runs on the other side of the boundary: Office Open XML (ECMA-376), whichever of the three kinds it is. */
import { readDocx } from './read-docx.sandboxed.ts';
import { readPptx } from './read-pptx.sandboxed.ts';
import { readXlsx } from './read-xlsx.sandboxed.ts';
import { type Reading, Unreadable } from './reading.sandboxed.ts';
import { Zip } from './zip.sandboxed.ts';

/** What it is, is what it holds: media types of office files are often wrong. Throws `Unreadable`. */
export async function readOffice(reading: Reading, content: Uint8Array): Promise<void> {
  // OLE compound files: the formats before 2007, and the new ones with a password.
  if (content[0] === 0xd0 && content[1] === 0xcf)
    throw new Unreadable('it is of the format before 2007, or needs a password; save it anew as DOCX, XLSX or PPTX');
  const zip = await Zip.open(reading, content);
  if (zip.has('word/document.xml')) return readDocx(reading, zip);
  if (zip.has('ppt/presentation.xml')) return readPptx(reading, zip);
  if (zip.has('xl/workbook.xml')) return readXlsx(reading, zip);
  throw new Unreadable('its archive holds no document, presentation or workbook');
}
