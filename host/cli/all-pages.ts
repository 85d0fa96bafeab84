import type { Page, PageInput } from '../services/page.ts';

const PAGE_LIMIT = 200;

/** Every item of a paged list, page after page. */
export async function allPages<T>(list: (page: PageInput) => Promise<Page<T>>): Promise<T[]> {
  let page = await list({ limit: PAGE_LIMIT });
  const items = [...page.items];
  while (page.next !== undefined) {
    page = await list({ limit: PAGE_LIMIT, after: page.next });
    items.push(...page.items);
  }
  return items;
}
