import { joinUnits, pack } from './pack.ts';
import { fenceAfter, hasWord, joinSmall, Outline, type Section } from './sections.ts';
import { estimateTokens } from './tokens.ts';
import { toLines, toUnits, type Unit } from './units.ts';

/** A passage before it has its place. */
export interface Piece {
  headings: string[];
  text: string;
}

interface Block {
  kind: 'paragraph' | 'fence' | 'table';
  lines: string[];
}

/** A table's head is repeated only where it leaves room for rows. */
const MAX_HEAD_SHARE = 2;

/** Markdown by its headings, then by its blocks: tables by rows with their head, code by lines, text by sentences. */
export function markdownSplitter(target: number): (chunk: string) => Generator<Piece> {
  const outline = new Outline();
  return function* (chunk) {
    for (const section of joinSmall(outline.sections(chunk), target)) yield* splitSection(section, markdownBlocks(section.lines), target);
  };
}

/** Text by its paragraphs and sentences. */
export function* splitPlain(text: string, target: number): Generator<Piece> {
  const lines = text.split('\n');
  yield* splitSection({ headings: [], lines }, plainBlocks(lines), target);
}

function* splitSection(section: Section, blocks: readonly Block[], target: number): Generator<Piece> {
  let units: Unit[] = [];
  for (const block of blocks) {
    if (block.kind !== 'table' || estimateTokens(block.lines.join('\n')) <= target) {
      for (const unit of unitsOf(block, target)) units.push(unit);
      continue;
    }
    yield* packed(section, units, target);
    units = [];
    yield* splitTable(section, block.lines, target);
  }
  yield* packed(section, units, target);
}

function* packed({ headings }: Section, units: readonly Unit[], target: number): Generator<Piece> {
  for (const group of pack(units, target)) {
    const text = joinUnits(group).trim();
    if (hasWord(text)) yield { headings, text };
  }
}

function* splitTable({ headings }: Section, lines: readonly string[], target: number): Generator<Piece> {
  const head = lines.slice(0, 2).join('\n');
  const headTokens = estimateTokens(head);
  const repeated = headTokens <= target / MAX_HEAD_SHARE;
  const rows = toLines(repeated ? lines.slice(2) : lines, repeated ? target - headTokens : target, '\n');
  for (const group of pack(rows, repeated ? target - headTokens : target)) {
    const text = joinUnits(group).trim();
    if (hasWord(text)) yield { headings, text: repeated ? `${head}\n${text}` : text };
  }
}

function unitsOf({ kind, lines }: Block, target: number): Unit[] {
  if (kind === 'paragraph') return toUnits(lines.join('\n'), target, '\n\n');
  const text = lines.join('\n');
  const tokens = estimateTokens(text);
  return tokens <= target ? [{ text, gap: '\n\n', tokens }] : toLines(lines, target, '\n\n');
}

function markdownBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let current: Block | undefined;
  let fence: string | undefined;
  for (const line of lines) {
    const before = fence;
    fence = fenceAfter(line, before);
    if (before !== undefined || fence !== undefined) {
      if (before === undefined || current === undefined) blocks.push((current = { kind: 'fence', lines: [] }));
      current.lines.push(line);
      if (fence === undefined) current = undefined;
    } else if (line.trim() === '') current = undefined;
    else if (current === undefined) blocks.push((current = { kind: 'paragraph', lines: [line] }));
    else {
      if (current.lines.length === 1 && isTableHead(current.lines[0] ?? '', line)) current.kind = 'table';
      current.lines.push(line);
    }
  }
  return blocks;
}

function isTableHead(first: string, second: string): boolean {
  return (
    first.includes('|') && /^ {0,3}\|?[ \t]{0,9}:?-+:?[ \t]{0,9}(?:\||$)/.test(second) && second.includes('|') && !/[^-|: \t]/.test(second)
  );
}

function plainBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let current: Block | undefined;
  for (const line of lines) {
    if (line.trim() === '') current = undefined;
    else if (current === undefined) blocks.push((current = { kind: 'paragraph', lines: [line] }));
    else current.lines.push(line);
  }
  return blocks;
}
