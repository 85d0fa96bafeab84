import type { Response } from '@lorelai/datasource-sdk';
import { Refusal } from './client.ts';
import { listOf, type Fields } from './fields.ts';
import type { Job } from './job.ts';
import type { Remark } from './objects.ts';

/** Of one list: 1,000 remarks. A batch is one document at least, so this bounds what a call can cost. */
const MAX_PAGES = 10;

/** Everything that was said in one list of an issue or a pull request; `more` when it goes on beyond what is read. */
export function fetchRemarks(job: Job, list: string, parse: (fields: Fields) => Remark): { remarks: Remark[]; more: boolean } {
  const { client } = job.call;
  const remarks: Remark[] = [];
  const first = client.tryGet(`/repos/${job.record.fullName}/${list}`, { query: { per_page: 100 } });
  if (first instanceof Refusal) {
    // Gone since it was listed, or switched off: what it belongs to is read without.
    if (first.isMissing) return { remarks, more: false };
    throw first;
  }
  let page: Response = first;
  for (let pages = 1; ; pages += 1) {
    remarks.push(...listOf(page.json()).map(parse));
    const url = client.next(page);
    if (url === undefined) return { remarks, more: false };
    if (pages === MAX_PAGES) return { remarks, more: true };
    page = client.get(url);
  }
}
