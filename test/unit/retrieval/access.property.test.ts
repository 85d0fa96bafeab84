import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { LOCAL_CALLER } from '../../../host/domain/caller.ts';
import type { Access, Principal } from '../../../host/domain/document.ts';
import { createAccess } from '../../../host/services/people/access.ts';
import type { AccessService } from '../../../host/services/people/people-services.ts';
import { createOrganisations } from '../../../host/services/people/organisations.ts';
import { createRetrieval } from '../../../host/services/retrieval/retrieval.ts';
import type { RetrievalHit } from '../../../host/services/retrieval/retrieval-hit.ts';
import type { RetrievalService } from '../../../host/services/retrieval/retrieval-service.ts';
import { createVisibility } from '../../../host/services/retrieval/visibility.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import { openDatabase, type Database } from '../../../host/store/database.ts';
import { replaceGroups, stageGroups, type SourceGroup } from '../../../host/store/groups.ts';
import { insertPerson } from '../../../host/store/people.ts';
import { addConnection, facts, indexMore, inspectFile, keptFolder, upsert, type Home } from '../store/fixture.ts';
import { dumpRebuiltIndex, dumpSearchIndex } from '../store/fixture.ts';

/** What people are to a source, told apart by the test's own rules and not by those of the host. */
interface World {
  people: { emails: string[]; accounts: [connection: number, account: string][] }[];
  /** By connection. */
  groups: SourceGroup[][];
  documents: { connection: number; access: Access; words: string[] }[];
  /** The access that the document at this place has then; with `edited`, one of its two passages changes too. */
  changes: { document: number; access: Access; edited: boolean }[];
  laterGroups: SourceGroup[];
}

const CONNECTIONS = 2;
const EMAILS = ['ada@a.example', 'bob@a.example', 'cy@b.example', 'di@c.example'];
const WORDS = ['walrus', 'otter', 'heron', 'newt'];

const email = fc.constantFrom(...EMAILS, 'nobody@z.example', 'ADA@a.example').map((id): Principal => ({ kind: 'email', id }));
const account = fc.constantFrom('ada', 'bob', 'cy').map((id): Principal => ({ kind: 'account', id }));
const domain = fc.constantFrom('a.example', 'b.example').map((id): Principal => ({ kind: 'domain', id }));
const group = fc.constantFrom('g0', 'g1', 'g2', 'g3', 'unlisted').map((id): Principal => ({ kind: 'group', id }));
const principal = fc.oneof(email, account, domain, group, group);
const access: fc.Arbitrary<Access> = fc.oneof(fc.constant<Access>({ kind: 'everyone' }), fc.constant<Access>({ kind: 'admins-only' }), {
  weight: 6,
  arbitrary: fc.array(fc.array(principal, { maxLength: 3 }), { maxLength: 3 }).map((allOf): Access => ({ kind: 'all-of', allOf })),
});
const groups = fc
  .tuple(
    ...['g0', 'g1', 'g2', 'g3'].map((id) =>
      fc.array(principal, { maxLength: 3 }).map((members): SourceGroup => ({ id, name: id, members })),
    ),
  )
  .map((all) => [...all]);
const world: fc.Arbitrary<World> = fc.record({
  people: fc.constant(
    EMAILS.map((address, index) => ({
      emails: index === 3 ? [address, 'second@b.example'] : [address],
      // The same login is one person's at the first connection and another's at the second.
      accounts: (index === 0
        ? [
            [0, 'ada'],
            [1, 'bob'],
          ]
        : index === 1
          ? [[0, 'bob']]
          : []) as [number, string][],
    })),
  ),
  groups: fc.array(groups, { minLength: CONNECTIONS, maxLength: CONNECTIONS }),
  documents: fc.array(
    fc.record({
      connection: fc.nat(CONNECTIONS - 1),
      access,
      words: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 14 },
  ),
  changes: fc.array(fc.record({ document: fc.nat(13), access, edited: fc.boolean() }), { maxLength: 6 }),
  laterGroups: groups,
});

/** Whether a person satisfies an access, by looking at everything for as long as anything is new. */
function sees(
  { emails, accounts }: World['people'][number],
  connection: number,
  groupsOf: readonly SourceGroup[],
  { kind, ...rest }: Access,
): boolean {
  if (kind === 'everyone') return true;
  if (kind === 'admins-only' || !('allOf' in rest)) return false;
  const inGroups = new Set<string>();
  const is = (one: Principal): boolean => {
    switch (one.kind) {
      case 'email':
        return emails.includes(one.id.toLowerCase());
      case 'domain':
        return emails.some((address) => address.endsWith(`@${one.id}`));
      case 'account':
        return accounts.some(([at, login]) => at === connection && login === one.id);
      case 'group':
        return inGroups.has(one.id);
    }
  };
  for (let before = -1; before !== inGroups.size;) {
    before = inGroups.size;
    for (const { id, members } of groupsOf) if (members.some(is)) inGroups.add(id);
  }
  return rest.allOf.length > 0 && rest.allOf.every((set) => set.some(is));
}

let database: Database;
let retrieval: RetrievalService;
let explanations: AccessService;
let worlds = 0;

beforeAll(async () => {
  const { folder, remove } = await keptFolder();
  database = await openDatabase({ file: `${folder}/test.db` });
  retrieval = createRetrieval({ database, visibility: createVisibility({ database, maxAgeMs: 3_600_000 }) });
  explanations = createAccess({ database, organisations: createOrganisations(database), maxAgeMs: 3_600_000 });
  return async () => {
    await database.close();
    await remove();
  };
});

/** A hit as far as it does not depend on when something was indexed. */
function shown({ title, score, snippet, highlights }: RetrievalHit): unknown {
  return { title, score, snippet, highlights };
}

async function ask(organisation: string, k: number, person: string | undefined, caller = LOCAL_CALLER): Promise<unknown[]> {
  const asker = { caller, requestId: undefined, ...(person === undefined ? {} : { person }) };
  return (await retrieval.retrieve({ organisation, question: 'walrus otter heron', k, asker })).hits.map(shown);
}

/** For every person, and for whoever is nobody: the answer is that of the admin without what may not be seen. */
async function checkAnswers(organisation: string, state: World): Promise<void> {
  const all = (await ask(organisation, 100, undefined)) as { title: string }[];
  const visibleTo = (who: World['people'][number]): unknown[] =>
    all.filter(({ title }) => {
      const document = state.documents[Number(title)];
      if (document === undefined) throw new Error(`there is no document ${title}`);
      return sees(who, document.connection, state.groups[document.connection] ?? [], document.access);
    });
  for (const who of state.people) {
    const expected = visibleTo(who);
    expect(await ask(organisation, 100, who.emails.at(-1))).toEqual(expected);
    expect(await ask(organisation, 2, who.emails[0])).toEqual(expected.slice(0, 2));
  }
  await checkExplanations(organisation, state);
  const nobody = { ...LOCAL_CALLER, scopes: ['reader' as const] };
  expect(await ask(organisation, 100, undefined, nobody)).toEqual(visibleTo({ emails: [], accounts: [] }));
}

/** What is said of each document for one of the people is what a search does. */
async function checkExplanations(organisation: string, state: World): Promise<void> {
  const asker = { caller: LOCAL_CALLER, requestId: undefined };
  const { hits } = await retrieval.retrieve({ organisation, question: 'otter', k: 100, asker });
  for (const { title, documentId } of hits) {
    const document = state.documents[Number(title)];
    const who = state.people[Number(title) % state.people.length];
    if (document === undefined || who === undefined) throw new Error(`there is no document ${title}`);
    const explained = await explanations.explain(organisation, documentId, { person: who.emails[0] ?? '' });
    const visible = sees(who, document.connection, state.groups[document.connection] ?? [], document.access);
    expect(explained).toMatchObject({ visible, stale: false });
    if (explained.access === 'all-of') expect(explained.sets.every(({ path, satisfied }) => satisfied === path.length > 0)).toBe(true);
  }
}

async function setGroups(home: Home, run: string, listed: readonly SourceGroup[]): Promise<void> {
  const at = { ...home, run };
  // In two pages that both have the first group.
  const pages = [listed.slice(0, 2), [...listed.slice(2), ...listed.slice(0, 1)]];
  for (const page of pages) await database.write(stageGroups(at, page));
  await database.write(replaceGroups(at, Date.now()));
}

test('people see what brute force says they may, no more and no less, also after access and groups have changed', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      worlds += 1;
      const organisation = `world-${worlds}`;
      const homes: Home[] = [];
      for (let number = 0; number < CONNECTIONS; number += 1)
        homes.push(await addConnection(database, { organisation, connection: `${organisation}-${number}` }));
      for (const [index, { emails, accounts }] of given.people.entries()) {
        const [first = '', ...aliases] = emails;
        const person = {
          email: first,
          name: first,
          aliases,
          accounts: accounts.map(([at, login]) => ({ connection: `${organisation}-${at}`, account: login })),
        };
        await insertPerson(database, { organisation, id: `${organisation}-p${index}` }, person, 1);
      }
      const changesOf = (number: number, of: (index: number) => DocumentChange): DocumentChange[] =>
        given.documents.flatMap(({ connection }, index) => (connection === number ? [of(index)] : []));
      const upsertOf = (index: number): DocumentChange => {
        const { access: allowed = { kind: 'admins-only' as const }, words = [] } = given.documents[index] ?? {};
        return upsert(`${index}`, [words.join(' '), 'otter'], { title: `${index}`, access: allowed });
      };
      let runs: string[] = [];
      for (const [number, home] of homes.entries()) runs.push(await indexMore(database, home, changesOf(number, upsertOf)));
      for (const [number, home] of homes.entries()) await setGroups(home, runs[number] ?? '', given.groups[number] ?? []);
      await checkAnswers(organisation, given);

      // The access of some documents changes and nothing else of them; the first connection lists other groups.
      const after: World = { ...given, groups: [given.laterGroups, ...given.groups.slice(1)], documents: [...given.documents] };
      const edited = new Set<number>();
      for (const { document: index, access: changed, edited: isEdited } of given.changes) {
        const document = after.documents[index];
        if (document === undefined) continue;
        after.documents[index] = { ...document, access: changed, words: isEdited ? [...document.words, 'heron'] : document.words };
        if (isEdited) edited.add(index);
      }
      const change = (index: number): DocumentChange => {
        const { access: allowed = { kind: 'admins-only' as const }, words = [] } = after.documents[index] ?? {};
        if (edited.has(index)) return upsert(`${index}`, [words.join(' '), 'otter'], { title: `${index}`, access: allowed });
        return { kind: 'touch', document: facts(`${index}`, { title: `${index}`, access: allowed }) };
      };
      runs = [];
      for (const [number, home] of homes.entries()) runs.push(await indexMore(database, home, changesOf(number, change)));
      const [first] = homes;
      if (first !== undefined) await setGroups(first, runs[0] ?? '', after.groups[0] ?? []);
      await checkAnswers(organisation, after);
      inspectFile(database.file, (raw) =>
        expect(dumpSearchIndex(raw, `passages_fts_${organisation}`)).toEqual(dumpRebuiltIndex(raw, organisation)),
      );
    }),
    { numRuns: 60, endOnFailure: true },
  );
});
