import type { Piece } from './markdown.ts';
import { joinUnits, pack } from './pack.ts';
import { hasWord } from './sections.ts';
import { estimateTokens } from './tokens.ts';
import { toLines, toUnits, type Unit } from './units.ts';

/**
 * Cuts code of any language at its definitions, found by their keywords and by how far they are indented. What is not
 * recognised is cut at blank lines and lines, so that nothing is lost and no file takes more than linear time.
 */

/** A definition and what belongs to it. */
interface Segment {
  /** Names of the definitions around it and its own, outermost first. Empty for what stands between definitions. */
  symbols: string[];
  lines: string[];
}

interface Scope {
  indent: number;
  name: string;
}

/** The definitions that a line stands in, outermost first. */
interface Scopes {
  open: Scope[];
}

interface SegmentUnit extends Unit {
  symbols: string[];
}

/** Longer lines are data, or were made by a machine. */
const MAX_LINE_CHARACTERS = 400;
const MAX_SCOPES = 16;
const MAX_NAMES = 6;
const TAB_WIDTH = 4;

const MODIFIERS =
  '(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\\([a-z: ]{1,40}\\))?|unsafe|virtual|override|inline|extern|const|partial|sealed|data|open|local|declare|suspend|case|lateinit|constexpr|typedef|create|or|replace|temporary|temp) +)*';
const DEFINITION = new RegExp(
  `^${MODIFIERS}(?:class|interface|struct|enum|trait|impl|module|namespace|protocol|extension|record|object|function\\*?|func|fn|fun|def|defp|defmodule|defmacro|sub|proc|procedure|macro|macro_rules!|union|contract|message|service|actor|table|view|trigger|type)\\b *(?:\\([^()]{1,100}\\) *|<[^<>]{1,100}> *|if not exists *)?(?:r#)?["'\`]?([\\p{L}_$@][\\p{L}\\p{N}_$.:?!-]{0,100})`,
  'iu',
);
/** `const name = (…) =>`, `exports.name = function`. */
const ASSIGNED =
  /^(?:(?:export|const|let|var|default|static|public|private|readonly) +)*([\p{L}_$][\p{L}\p{N}_$.]{0,100}) *(?::[^=]{1,100})?= *(?:async *)?(?:function\b|\([^()]{0,200}\)[^=]{0,100}=>|[\w$]{1,60} *=>)/u;
/** `int name(…) {`, `Type Class::name(…)`: a result, a name, parameters, and no end of a statement. */
const TYPED = /^(?:[\p{L}_][\p{L}\p{N}_:<>,*&[\]~.]{0,100}[ *&]+){1,6}([\p{L}_~][\p{L}\p{N}_:~]{0,100}) *\([^;={}]{0,300}\)?[^;=]{0,60}$/u;
/** `name(…) {` within a class. */
const METHOD = /^(?:(?:async|static|get|set|\*) *)*([#\p{L}_$][\p{L}\p{N}_$]{0,100}) *\([^;{}]{0,300}\)[^;{}]{0,100}\{$/u;
const CONTROL =
  /^(?:if|else|for|foreach|while|until|do|switch|case|match|when|return|throw|catch|try|finally|with|using|new|delete|await|yield|assert|import|from|and|or|not|in|lock|elif|unless|begin|then|typeof|sizeof|defer|go|select|goto|package)\b/;
/** What belongs to the definition below it. */
const LEAD = /^(?:@|#|\/\/|\/\*|\*|--|;;|%|\[|template\b)/;
/** What still belongs to the definition above, though it is not indented. */
const TAIL = /^(?:[)}\]{,;]|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure|begin|then|where|with)\b)/i;

export function codeSplitter(target: number): (chunk: string) => Generator<Piece> {
  const scopes: Scopes = { open: [] };
  return (chunk) => splitCode(chunk, scopes, target);
}

function* splitCode(text: string, scopes: Scopes, target: number): Generator<Piece> {
  let small: SegmentUnit[] = [];
  for (const segment of segmentsOf(text.split('\n'), scopes)) {
    const units = unitsOf(segment, target);
    if (units.length === 1) {
      for (const unit of units) small.push(unit);
      continue;
    }
    // A long definition has passages of its own: its last lines say nothing of the next one.
    yield* packed(small, target);
    small = [];
    yield* packed(units, target);
  }
  yield* packed(small, target);
}

function* packed(units: readonly SegmentUnit[], target: number): Generator<Piece> {
  for (const group of pack(units, target)) {
    const text = joinUnits(group)
      .replace(/^(?:[ \t]*\n)+/, '')
      .trimEnd();
    if (hasWord(text)) yield { headings: headingsOf(group.map(({ symbols }) => symbols)), text };
  }
}

function segmentsOf(lines: readonly string[], scopes: Scopes): Segment[] {
  const symbols = (): string[] => scopes.open.map((scope) => scope.name);
  const segments: Segment[] = [{ symbols: symbols(), lines: [] }];
  for (const line of lines) {
    const last = segments.at(-1);
    const code = line.trimStart();
    const indent = indentOf(line, code);
    const name = line.length <= MAX_LINE_CHARACTERS ? definedName(code, scopes.open.length) : undefined;
    const isOutside = code !== '' && scopes.open.some((scope) => scope.indent >= indent) && !TAIL.test(code) && !LEAD.test(code);
    if (name === undefined && !isOutside) {
      last?.lines.push(line);
      continue;
    }
    const around = scopes.open.filter((scope) => scope.indent < indent);
    scopes.open = name === undefined ? around : [...around, { indent, name }].slice(-MAX_SCOPES);
    segments.push({ symbols: symbols(), lines: name === undefined ? [line] : [...takeLead(last?.lines ?? []), line] });
  }
  return segments.filter((segment) => segment.lines.some(hasWord));
}

/** Comments and decorators right above a definition go with it. */
function takeLead(lines: string[]): string[] {
  let from = lines.length;
  while (from > 0 && LEAD.test((lines[from - 1] ?? '').trimStart())) from -= 1;
  return lines.splice(from);
}

function definedName(code: string, depth: number): string | undefined {
  if (code === '' || CONTROL.test(code)) return undefined;
  const [, name] =
    DEFINITION.exec(code) ?? ASSIGNED.exec(code) ?? (depth > 0 ? METHOD.exec(code) : null) ?? TYPED.exec(code.trimEnd()) ?? [];
  return name;
}

function indentOf(line: string, code: string): number {
  const blank = line.slice(0, line.length - code.length);
  let width = 0;
  for (let at = 0; at < Math.min(blank.length, 200); at += 1) width += blank[at] === '\t' ? TAB_WIDTH : 1;
  return width;
}

function unitsOf({ symbols, lines }: Segment, target: number): SegmentUnit[] {
  const text = lines.join('\n');
  const tokens = estimateTokens(text);
  const units: Unit[] =
    tokens <= target ? [{ text, gap: '\n', tokens }] : byBlankLines(lines).flatMap((block) => blockUnits(block, target));
  return units.map((unit) => ({ ...unit, symbols }));
}

/** A block with the blank lines behind it. */
function byBlankLines(lines: readonly string[]): string[][] {
  const blocks: string[][] = [[]];
  for (const line of lines) {
    const last = blocks.at(-1);
    const isNew = line.trim() !== '' && last?.at(-1)?.trim() === '';
    if (isNew) blocks.push([line]);
    else last?.push(line);
  }
  return blocks;
}

function blockUnits(lines: readonly string[], target: number): Unit[] {
  const text = lines.join('\n');
  const tokens = estimateTokens(text);
  if (tokens <= target) return [{ text, gap: '\n', tokens }];
  return lines.length === 1 ? toUnits(text, target, '\n') : toLines(lines, target, '\n');
}

/** What all have above them, then the names of what is different: `Parser`, `read, write`. */
function headingsOf(paths: readonly string[][]): string[] {
  const named = paths.filter((path) => path.length > 0);
  const [first = []] = named;
  let shared = first.length;
  for (const path of named) {
    let same = 0;
    while (same < shared && path[same] === first[same]) same += 1;
    shared = same;
  }
  const names = [...new Set(named.flatMap((path) => (path.length > shared ? [path[shared] ?? ''] : [])))];
  const listed = names.length > MAX_NAMES ? [...names.slice(0, MAX_NAMES), '…'] : names;
  return listed.length === 0 ? first.slice(0, shared) : [...first.slice(0, shared), listed.join(', ')];
}
