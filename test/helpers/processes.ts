import { readFile, readdir } from 'node:fs/promises';

/** The processes whose parent is `pid`. Linux only. */
export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may hold anything; the parent is the second field after it.
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(parent) === pid) found.push(Number(entry));
  }
  return found;
}

/** Memory that a process holds. Linux only. */
export async function residentMib(pid: number): Promise<number> {
  const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return (Number(pages) * 4_096) / 2 ** 20;
}

/** The part of it that no other process shares: not the program's own pages, which all processes of Node.js have together. Linux only. */
export async function privateMib(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, number]) => Number(number));
  return kib.reduce((sum, part) => sum + part, 0) / 1_024;
}

/** The processes that `pid` has started, and those that they have. Linux only. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map(descendantsOf));
  return [...children, ...below.flat()];
}
