import { crc32, deflateRawSync } from 'node:zlib';

/** Small real files, made by the rules of their formats. */

interface ZipEntry {
  name: string;
  content: Uint8Array | string;
  /** What the archive states instead of the truth. */
  statedBytes?: number;
}

/** A ZIP archive (APPNOTE 6.3, without ZIP64): all entries deflated. */
export function makeZip(entries: readonly ZipEntry[]): Uint8Array {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, statedBytes } of entries) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(name);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x0800, 2);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(statedBytes ?? bytes.length, 18);
    facts.writeUInt16LE(path.length, 22);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), facts, path, packed);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, place, path);
    offset += 30 + path.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...local, directory, end]));
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const OFFICE_RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
export const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
export const PPTX = 'application/vnd.openxmlformats-officedocument.presentationml.presentation';

/** A Word document with this body; the styles `Kop1` and `Kop2` are headings, as a Dutch Word names them. */
export function makeDocx(body: string, more: readonly ZipEntry[] = []): Uint8Array {
  return makeZip([
    { name: '[Content_Types].xml', content: `${XML}<Types/>` },
    { name: 'word/document.xml', content: `${XML}<w:document ${WORD}><w:body>${body}</w:body></w:document>` },
    {
      name: 'word/styles.xml',
      content: `${XML}<w:styles ${WORD}>${headingStyle('Kop1', 'heading 1')}${headingStyle('Kop2', 'heading 2')}</w:styles>`,
    },
    ...more,
  ]);
}

function headingStyle(id: string, name: string): string {
  return `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/></w:style>`;
}

export function wordParagraph(text: string, properties = ''): string {
  return `<w:p><w:pPr>${properties}</w:pPr><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

/** A workbook of one sheet; `rows` is the inside of `sheetData`. Style 1 is a date. */
export function makeXlsx(name: string, rows: string, strings: readonly string[] = []): Uint8Array {
  return makeZip([
    {
      name: 'xl/workbook.xml',
      content: `${XML}<workbook xmlns:r="${OFFICE_RELATIONS}"><sheets><sheet name="${name}" sheetId="1" r:id="rId1"/><sheet name="Hidden" sheetId="2" state="hidden" r:id="rId1"/></sheets></workbook>`,
    },
    { name: 'xl/_rels/workbook.xml.rels', content: relations([['rId1', 'worksheet', 'worksheets/sheet1.xml']]) },
    { name: 'xl/styles.xml', content: `${XML}<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>` },
    { name: 'xl/sharedStrings.xml', content: `${XML}<sst>${strings.map((text) => `<si><t>${text}</t></si>`).join('')}</sst>` },
    { name: 'xl/worksheets/sheet1.xml', content: `${XML}<worksheet><sheetData>${rows}</sheetData></worksheet>` },
  ]);
}

function slideShape(placeholder: string, text: string): string {
  return `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${placeholder}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`;
}

/** Slides with a title, a text and notes, in an order that is not that of their files. */
export function makePptx(slides: readonly { title: string; text: string; notes: string }[]): Uint8Array {
  const count = slides.length;
  const file = (index: number): number => count - index;
  return makeZip([
    {
      name: 'ppt/presentation.xml',
      content: `${XML}<p:presentation xmlns:r="${OFFICE_RELATIONS}"><p:sldIdLst>${slides.map((_, at) => `<p:sldId id="${256 + at}" r:id="rId${at + 1}"/>`).join('')}</p:sldIdLst></p:presentation>`,
    },
    {
      name: 'ppt/_rels/presentation.xml.rels',
      content: relations(slides.map((_, at) => [`rId${at + 1}`, 'slide', `slides/slide${file(at)}.xml`])),
    },
    ...slides.flatMap(({ title, text, notes }, at) => [
      {
        name: `ppt/slides/slide${file(at)}.xml`,
        content: `${XML}<p:sld>${slideShape('title', title)}${slideShape('body', text)}${slideShape('sldNum', `${at + 1}`)}</p:sld>`,
      },
      { name: `ppt/slides/_rels/slide${file(at)}.xml.rels`, content: relations([['rId1', 'notesSlide', `../notesSlides/notes${at}.xml`]]) },
      { name: `ppt/notesSlides/notes${at}.xml`, content: `${XML}<p:notes>${slideShape('body', notes)}</p:notes>` },
    ]),
  ]);
}

function relations(list: readonly (readonly [id: string, type: string, target: string])[]): string {
  const entries = list.map(([id, type, target]) => `<Relationship Id="${id}" Type="${OFFICE_RELATIONS}/${type}" Target="${target}"/>`);
  return `${XML}<Relationships>${entries.join('')}</Relationships>`;
}

/** Pages below one node of a PDF's tree of pages: as programs that write long ones do. */
const PAGES_PER_NODE = 100;

/** A PDF 1.4 with these lines on its pages; a page without lines shows a picture, as a scanner makes them. */
export function makePdf(pages: readonly (readonly string[])[]): Uint8Array {
  const nodes = Math.ceil(pages.length / PAGES_PER_NODE);
  // Objects 1 to 4, then the nodes, then a page and its content each.
  const pageObject = (at: number): number => 5 + nodes + 2 * at;
  const picture =
    '<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream';
  const objects: string[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${Array.from({ length: nodes }, (_, node) => `${5 + node} 0 R`).join(' ')}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    // Only the files of scanners have pictures.
    pages.every((lines) => lines.length > 0) ? 'null' : picture,
  ];
  for (let first = 0; first < pages.length; first += PAGES_PER_NODE) {
    const kids = pages.slice(first, first + PAGES_PER_NODE).map((_, at) => `${pageObject(first + at)} 0 R`);
    objects.push(`<< /Type /Pages /Parent 2 0 R /Kids [${kids.join(' ')}] /Count ${kids.length} >>`);
  }
  for (const [at, lines] of pages.entries()) {
    const text = `BT /F1 12 Tf 14 TL 72 760 Td ${lines.map((line) => `(${line.replace(/[\\()]/g, String.raw`\$&`)}) Tj T*`).join(' ')} ET`;
    const content = lines.length === 0 ? 'q 500 0 0 700 0 0 cm /I Do Q' : text;
    const resources = '<< /Font << /F1 3 0 R >> /XObject << /I 4 0 R >> >>';
    const parent = 5 + Math.floor(at / PAGES_PER_NODE);
    objects.push(
      `<< /Type /Page /Parent ${parent} 0 R /MediaBox [0 0 612 792] /Resources ${resources} /Contents ${pageObject(at) + 1} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    );
  }
  let out = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = out.length;
    out += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${out.length}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(`${out}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}${end}`, 'latin1'));
}

/** A mail with these attachments. */
export function makeMail(text: string, attachments: readonly { name: string; mediaType: string; content: Uint8Array }[] = []): Uint8Array {
  const parts = attachments.map(
    ({ name, mediaType, content }) =>
      `--edge\r\nContent-Type: ${mediaType}\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content).toString('base64')}\r\n`,
  );
  const head =
    'From: Ann Other <ann@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: Gr=?utf-8?q?=C3=BC?=n\r\nDate: Sat, 31 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n';
  return new Uint8Array(
    Buffer.from(
      `${head}Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n${parts.join('')}--edge--\r\n`,
    ),
  );
}
