/** A guide as the source has it. `changed` is a day: a guide that changes later is read again. */
export interface Guide {
  id: string;
  title: string;
  changed: string;
  text: string;
}

/** What this datasource knows, oldest change first. A real one asks a server. */
export const GUIDES: readonly Guide[] = [
  {
    id: 'first-datasource',
    title: 'Your first datasource',
    changed: '2026-10-01T09:00:00Z',
    text: `A datasource is a folder with two files: datasource.yaml says what it is and what it asks for, source.ts says how it
reads. Run \`datasources new mine\` for a folder that works, \`datasources build mine\` for one component file, and
\`datasources inspect mine/mine.wasm\` to see what an operator will see.

## The manifest comes first

Write down the features, their settings and the metrics in datasource.yaml before any code. The build turns them into
types, so a setting that is misspelt in source.ts is found by the compiler and not by an operator.
`,
  },
  {
    id: 'checkpoints',
    title: 'Reading only what changed',
    changed: '2026-10-08T09:00:00Z',
    text: `The host calls read again and again until it answers done. What read returns as state comes back to the next call,
even after the host was restarted: it is committed together with the documents of that batch.

## What belongs into the state

Keep it small: a page token, the newest change that was seen, a revision. At most 64 KiB of JSON fit. When the source
no longer understands it, throw checkpointExpired and the host starts the feature again from the beginning.

## After the last page

The state that comes with done is where the next run begins. Put the moment of the newest change there, so that the next
run asks the source only for what is newer.
`,
  },
  {
    id: 'rate-limits',
    title: 'When the source asks for patience',
    changed: '2026-10-15T09:00:00Z',
    text: `Never wait inside a datasource. Throw throttled with the milliseconds that the source asked for; the host parks the run,
gives its process to somebody else and wakes the run on time.

expectOk does this for you: it turns status 429, and status 403 with a spent rate limit, into throttled, and reads
Retry-After and X-RateLimit-Reset. Status 401 becomes unauthorized, and a server that is down becomes unavailable.
`,
  },
  {
    id: 'access',
    title: 'Saying who may see a document',
    changed: '2026-10-22T09:00:00Z',
    text: `Every document says who may see it. everyone() is the whole organisation; adminsOnly() is right when you do not know.

## Groups and several conditions

allOf(anyOf(group('staff'), account('ada')), anyOf(domain('example.com'))) means: somebody who is in staff or is ada, and
whose address is at example.com. Groups are listed by listGroups, so that the host knows who is in them.
`,
  },
  {
    id: 'storage',
    title: 'Keeping small things between calls',
    changed: '2026-10-29T09:00:00Z',
    text: `Name a table in datasource.yaml and it becomes a collection of keys and values that belongs to one connection. What a call
writes there is committed with its batch or not at all, so it never runs ahead of the index.

Use it for what does not fit into the state: the ETag of each page, the tree of each repository.
`,
  },
];
