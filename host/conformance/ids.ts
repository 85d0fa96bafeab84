import { toIdPage } from '../indexing/validate.ts';
import { isStop, parsed, failureText, type Standing, type Stop } from './pass.ts';
import type { Asked, Scene } from './subject.ts';

/** More pages are not asked for. */
const MAX_PAGES = 1_000;

/** Every id of a feature, or why there is no list of them. */
export async function listAll(scene: Scene, feature: string, { kept }: Standing, how: Partial<Asked> = {}): Promise<string[] | Stop> {
  const page = async (after: Uint8Array | undefined): Promise<{ items: string[]; next: Uint8Array | undefined } | Stop> => {
    const told = await scene.call({ function: 'list-ids', args: [feature, after], kept, ...how });
    if (told.result.kind === 'failure') return { why: 'failure', told, text: failureText(told) };
    const { result } = told;
    if (result.kind !== 'value') return { why: 'broken', text: result.kind === 'broken' ? result.reason : 'it was cancelled' };
    return parsed(() => {
      const { ids, next } = toIdPage(result.value);
      return { items: ids, next };
    });
  };
  return allPages(page);
}

/** Asks for pages until there is none. */
export async function allPages<T>(
  page: (after: Uint8Array | undefined) => Promise<{ items: T[]; next: Uint8Array | undefined } | Stop>,
): Promise<T[] | Stop> {
  const items: T[] = [];
  const seen = new Set<string>();
  let after: Uint8Array | undefined;
  for (let number = 1; number <= MAX_PAGES; number += 1) {
    const given = await page(after);
    if (isStop(given)) return given;
    items.push(...given.items);
    if (given.next === undefined) return items;
    const mark = Buffer.from(given.next).toString('base64');
    if (seen.has(mark)) return { why: 'endless', text: `page ${number} says that the next one is one that was given` };
    seen.add(mark);
    after = given.next;
  }
  return { why: 'endless', text: `there was no end after ${MAX_PAGES} pages` };
}
