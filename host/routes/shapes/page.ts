import type { Page, PageInput } from '../../services/page.ts';
import { integer, text } from '../parameters.ts';

/** The query parameters of every route that answers in pages. */
export const PAGE = {
  limit: integer('How many at most.', { least: 1, most: 200, fallback: 50 }),
  after: text('The `next` of the page before.', { fallback: undefined, maxLength: 1024 }),
};

export function toPageInput({ limit, after }: { limit: number; after: string | undefined }): PageInput {
  return after === undefined ? { limit } : { limit, after };
}

export function toPageBody<T, B>(page: Page<T>, toBody: (item: T) => B): { items: B[]; next?: string } {
  const items = page.items.map(toBody);
  return page.next === undefined ? { items } : { items, next: page.next };
}
