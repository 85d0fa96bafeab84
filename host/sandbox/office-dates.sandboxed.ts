/** Runs on the other side of the boundary: numbers of spreadsheets that people see as dates. */
import { scanTags } from './tags.sandboxed.ts';

/** Number formats of every program that are dates or times (ECMA-376 part 1, section 18.8.30). */
const BUILT_IN = new Set([14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 30, 36, 45, 46, 47, 50, 57]);
const DAY_MS = 86_400_000;

/** For each cell style whether it shows a date, from the text of `xl/styles.xml`. */
export function dateFormats(xml: string): boolean[] {
  const dates = new Set(BUILT_IN);
  const styles: boolean[] = [];
  let inStyles = false;
  scanTags(xml, 'xml', {
    open(tag, attributes) {
      if (tag === 'cellXfs') inStyles = true;
      if (tag === 'numFmt' && isDate(attributes.get('formatCode') ?? '')) dates.add(Number(attributes.get('numFmtId')));
      if (tag === 'xf' && inStyles) styles.push(dates.has(Number(attributes.get('numFmtId') ?? 0)));
    },
    close(tag) {
      if (tag === 'cellXfs') inStyles = false;
    },
    text() {},
  });
  return styles;
}

/** Letters of dates outside of quoted text, colours and conditions. */
function isDate(format: string): boolean {
  return /[ymdhs]/i.test(format.slice(0, 200).replace(/"[^"]*"|\[[^\]]*\]|\\./g, '')) && !/general/i.test(format);
}

/** `2026-01-31`, with the time of day where there is one; the number itself when it is no date. */
export function toDateText(value: string, since1904: boolean): string {
  const days = Number(value);
  if (value.trim() === '' || !Number.isFinite(days) || days < 0 || days > 2_958_465) return value;
  // Day 1 of the other count is 1900-01-01, and it has a 29 February that never was.
  const since = since1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const text = new Date(since + Math.round((days * DAY_MS) / 1_000) * 1_000).toISOString();
  const [date = '', time = ''] = text.slice(0, 19).split('T');
  if (days < 1) return time;
  return time === '00:00:00' ? date : `${date} ${time}`;
}
