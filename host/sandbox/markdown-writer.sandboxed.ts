/** Runs on the other side of the boundary: builds Markdown from what the readers of formats find, block by block. */

const MAX_LIST_DEPTH = 8;
const MAX_HEADING_DEPTH = 6;
const MAX_COLUMNS = 256;
/** What a line of text may not begin with, because it would be read as a heading, a fence, a table or an escape. */
const MARK = /^(?=#{1,6}(?:[ \t]|$)|`{3}|~{3}|\||\\)/;

interface Table {
  rows: string[][];
  /** A row within a row: the table only arranges things on a page. */
  isLayout: boolean;
}

export class MarkdownWriter {
  readonly #take: (characters: number) => void;
  readonly #blocks: string[] = [];
  #wasTight = false;
  #current = '';
  #prefix = '';
  #tight = false;
  #preformatted = false;
  #table: Table | undefined;

  /** `take` is told of all characters before they are kept; it throws when there are too many. */
  constructor(take: (characters: number) => void) {
    this.#take = take;
  }

  /** Adds to the current block. White space counts as in HTML, unless the block is preformatted. */
  text(text: string): void {
    this.#take(text.length);
    if (this.#preformatted) {
      this.#current += text;
      return;
    }
    const collapsed = text.replace(/[\s\u00a0]+/g, ' ');
    const open = this.#current === '' || this.#current.endsWith(' ') || this.#current.endsWith('\n');
    this.#current += open && collapsed.startsWith(' ') ? collapsed.slice(1) : collapsed;
  }

  lineBreak(): void {
    this.#take(1);
    this.#current = `${this.#current.endsWith(' ') ? this.#current.slice(0, -1) : this.#current}\n`;
  }

  /** Ends the current block; what comes next is a paragraph. */
  paragraph(): void {
    this.#end();
  }

  /** The next block is a heading; 1 is the outermost. */
  heading(depth: number): void {
    if (!this.#endBlock()) return;
    this.#prefix = `${'#'.repeat(Math.min(Math.max(1, depth), MAX_HEADING_DEPTH))} `;
  }

  /** The next block is an entry of a list; 0 is the outermost. */
  item(depth: number, marker = '-'): void {
    if (!this.#endBlock()) return;
    this.#prefix = `${'  '.repeat(Math.min(Math.max(0, depth), MAX_LIST_DEPTH))}${marker} `;
    this.#tight = true;
  }

  quote(): void {
    if (!this.#endBlock()) return;
    this.#prefix = '> ';
  }

  /** What follows keeps its white space, until the next block. */
  preformatted(): void {
    if (!this.#endBlock()) return;
    this.#preformatted = true;
  }

  beginTable(): void {
    if (this.#table !== undefined) {
      this.#table.isLayout = true;
      return;
    }
    this.#end();
    this.#table = { rows: [], isLayout: false };
  }

  row(): void {
    this.#endCell();
    this.#table?.rows.push([]);
  }

  cell(): void {
    this.#endCell();
    const row = this.#table?.rows.at(-1);
    if (row !== undefined && row.length < MAX_COLUMNS) row.push('');
  }

  endTable(): void {
    this.#endCell();
    const table = this.#table;
    this.#table = undefined;
    if (table !== undefined) this.#writeTable(table);
  }

  get inTable(): boolean {
    return this.#table !== undefined;
  }

  finish(): string {
    this.endTable();
    this.#end();
    return this.#blocks.join('');
  }

  /** False inside of a cell, where there are no blocks. */
  #endBlock(): boolean {
    this.#end();
    return this.#table === undefined;
  }

  #end(): void {
    if (this.#table !== undefined) {
      if (this.#current !== '' && !this.#current.endsWith(' ')) this.#current += ' ';
      return;
    }
    const text = this.#preformatted ? fenced(this.#current) : prefixed(this.#prefix, this.#current);
    const tight = this.#tight;
    this.#current = '';
    this.#prefix = '';
    this.#tight = false;
    this.#preformatted = false;
    if (text !== '') this.#push(text, tight);
  }

  #push(text: string, tight: boolean): void {
    if (this.#blocks.length > 0) this.#blocks.push(tight && this.#wasTight ? '\n' : '\n\n');
    this.#blocks.push(text);
    this.#wasTight = tight;
  }

  #endCell(): void {
    const row = this.#table?.rows.at(-1);
    const text = this.#current.replace(/\s+/g, ' ').trim();
    if (this.#table === undefined) return;
    this.#current = '';
    this.#preformatted = false;
    if (row === undefined || text === '') return;
    const last = Math.max(0, row.length - 1);
    row[last] = row[last] === undefined || row[last] === '' ? text : `${row[last]} ${text}`;
  }

  #writeTable({ rows, isLayout }: Table): void {
    const full = rows.filter((row) => row.some((cell) => cell !== ''));
    const columns = full.reduce((most, row) => Math.max(most, row.length), 0);
    if (isLayout || columns < 2) {
      for (const row of full) {
        for (const cell of row) if (cell !== '') this.#push(prefixed('', cell), false);
      }
      return;
    }
    const lines = full.map((row) => tableRow(Array.from({ length: columns }, (_, at) => row[at] ?? '')));
    const [header = '', ...rest] = lines;
    this.#push([header, tableRow(Array.from({ length: columns }, () => '---')), ...rest].join('\n'), false);
  }
}

/** One line of a table in Markdown. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function prefixed(prefix: string, current: string): string {
  const text = current.trim();
  if (text === '') return '';
  if (prefix.startsWith('#')) return prefix + text.replaceAll('\n', ' ');
  const lines = text.split('\n').map((line) => line.trim().replace(MARK, '\\'));
  const indent = prefix === '> ' ? '> ' : ' '.repeat(prefix.length);
  return lines.map((line, index) => (index === 0 ? prefix : indent) + line).join('\n');
}

function fenced(current: string): string {
  const text = current.replace(/^\n/, '').trimEnd();
  if (text.trim() === '') return '';
  // Longer than any inside.
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/^`{3,100}/gm)].map(([inner]) => inner.length + 1)));
  return `${fence}\n${text}\n${fence}`;
}
