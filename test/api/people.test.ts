import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replaceGroups, stageGroups } from '../../host/store/groups.ts';
import { openDatabase } from '../../host/store/database.ts';
import { install, openApi, type Api } from '../helpers/api.ts';

let api: Api;
let connection: string;
let run: string;

beforeAll(async () => {
  api = await openApi();
  await install(api, 'probe');
  await api.call('POST', '/api/v1/organisations', { id: 'rival' });
  const access = allOf(
    [
      ['account', 'ada-l'],
      ['group', 'staff'],
    ],
    [
      ['group', 'building'],
      ['domain', 'acme.example'],
    ],
  );
  const steps = [
    { do: 'documents', count: 1, text: 'The plan of the walrus.' },
    { do: 'document', fields: { access } },
  ];
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps } });
  connection = made.body.id;
  run = (await api.call('POST', `/api/v1/connections/${connection}/runs`)).body.id;
  await api.work();
  for (const person of [
    { email: 'Ada@Acme.example', name: 'Ada', accounts: [{ connection, account: 'ada-l' }] },
    { email: 'bob@acme.example', aliases: ['robert@other.example'] },
    { email: 'cy@elsewhere.example' },
  ])
    expect(await api.call('POST', '/api/v1/people', person)).toMatchObject({ status: 201 });
});
afterAll(() => api.close());

/** As a datasource gives it, by any-of sets. */
function allOf(...sets: [string, string][][]): unknown {
  return { tag: 'all-of', val: sets.map((anyOf) => ({ anyOf: anyOf.map(([kind, id]) => ({ kind, id })) })) };
}

/** What an access run does once it has read the last page. */
async function setGroups(groups: Record<string, [kind: 'account' | 'email' | 'group' | 'domain', id: string][]>): Promise<void> {
  const database = await openDatabase({ file: `${api.dataDir}/lorelai.db` });
  const home = { organisation: 'default', connection, run };
  const listed = Object.entries(groups).map(([id, members]) => ({
    id,
    name: `Group ${id}`,
    members: members.map(([kind, of]) => ({ kind, id: of })),
  }));
  await database.write([...stageGroups(home, listed), ...replaceGroups(home, Date.now())]);
  await database.close();
}

async function found(person: string): Promise<string[]> {
  const { status, body } = await api.call('POST', '/api/v1/retrieve', { question: 'plan walrus', person });
  expect(status).toBe(200);
  return body.hits.map(({ documentId }: { documentId: string }) => documentId);
}

async function documentId(): Promise<string> {
  return (await api.call('POST', '/api/v1/retrieve', { question: 'plan walrus' })).body.hits[0].documentId;
}

describe('asking for a person', () => {
  test('gives exactly what they may see, by any of their addresses, and by what groups say now', async () => {
    // Until groups have been listed nobody is in them, and access that names them is not known.
    expect(await found('ada@acme.example')).toEqual([]);
    await setGroups({
      staff: [['group', 'night-shift']],
      'night-shift': [
        ['email', 'robert@other.example'],
        ['group', 'staff'],
      ],
      building: [],
    });
    const document = await documentId();
    expect(await found('ADA@acme.example')).toEqual([document]);
    expect(await found('bob@acme.example')).toEqual([document]);
    expect(await found('robert@other.example')).toEqual([document]);
    expect(await found('cy@elsewhere.example')).toEqual([]);
    await setGroups({ staff: [['account', 'cy']], building: [['email', 'cy@elsewhere.example']] });
    expect(await found('bob@acme.example')).toEqual([]);
    expect(await found('cy@elsewhere.example')).toEqual([]);
    const cy = { accounts: [{ connection, account: 'cy' }] };
    expect(await api.call('PATCH', '/api/v1/people/cy@elsewhere.example', cy)).toMatchObject({ status: 200, body: cy });
    expect(await found('cy@elsewhere.example')).toEqual([document]);
  });

  test('is refused for somebody unknown, for somebody of another organisation, and to a caller without the scope', async () => {
    expect(await api.call('POST', '/api/v1/retrieve', { question: 'x', person: 'eve@acme.example' })).toMatchObject({
      status: 404,
      body: { code: 'UNKNOWN_PERSON' },
    });
    expect(await api.call('POST', '/api/v1/retrieve?organisation=rival', { question: 'x', person: 'ada@acme.example' })).toMatchObject({
      body: { code: 'UNKNOWN_PERSON' },
    });
    const asker = { caller: { kind: 'key' as const, id: 'k1', scopes: ['admin' as const] }, requestId: 'r1', person: 'ada@acme.example' };
    await expect(api.services.retrieval.retrieve({ organisation: 'default', question: 'walrus', k: 3, asker })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect((await api.services.retrieval.retrieve({ organisation: 'default', question: 'walrus', k: 3 })).hits).toEqual([]);
    const reader = { caller: { kind: 'key' as const, id: 'k1', scopes: ['reader' as const] }, requestId: undefined };
    expect((await api.services.retrieval.retrieve({ organisation: 'default', question: 'walrus', k: 3, asker: reader })).hits).toEqual([]);
  });

  test('goes on record with who asked and what came of it, and without the question', async () => {
    await found('ada@acme.example');
    await api.call('POST', '/api/v1/retrieve', { question: 'walrus secrets', person: 'mallory@acme.example' });
    const list = async (): Promise<{ items: Record<string, unknown>[] }> =>
      (await api.call('GET', '/api/v1/person-questions?limit=200')).body;
    await expect
      .poll(async () => (await list()).items.some(({ person }) => person === 'mallory@acme.example'), { timeout: 20_000 })
      .toBe(true);
    const { items } = await list();
    expect(items).toEqual(
      expect.arrayContaining([expect.objectContaining({ person: 'mallory@acme.example', outcome: 'UNKNOWN_PERSON', hits: 0 })]),
    );
    expect(items).toEqual(
      expect.arrayContaining([expect.objectContaining({ callerKind: 'key', callerId: 'k1', requestId: 'r1', outcome: 'FORBIDDEN' })]),
    );
    expect(JSON.stringify(items)).not.toContain('secrets');
    const ofAda = (await api.call('GET', '/api/v1/person-questions?person=ada@acme.example')).body.items;
    expect(new Set(ofAda.map(({ person }: { person: string }) => person.toLowerCase()))).toEqual(new Set(['ada@acme.example']));
    expect((await api.call('GET', '/api/v1/person-questions?organisation=rival')).body.items).toHaveLength(1);
  });
});

describe('why somebody may see a document', () => {
  test('is told set by set, with the shortest way over groups', async () => {
    await setGroups({ staff: [['group', 'night-shift']], 'night-shift': [['email', 'robert@other.example']], building: [] });
    const at = `/api/v1/documents/${await documentId()}/access`;
    const bob = (await api.call('GET', `${at}?person=bob@acme.example`)).body;
    expect(bob).toMatchObject({ visible: true, access: 'all-of', stale: false, connection });
    const staff = bob.sets.find(({ anyOf }: { anyOf: { id: string }[] }) => anyOf.some(({ id }) => id === 'staff'));
    expect(staff).toMatchObject({
      satisfied: true,
      path: [
        { kind: 'email', id: 'robert@other.example' },
        { kind: 'group', id: 'night-shift', name: 'Group night-shift' },
        { kind: 'group', id: 'staff', name: 'Group staff' },
      ],
    });
    const cy = (await api.call('GET', `${at}?person=cy@elsewhere.example`)).body;
    expect(cy).toMatchObject({ visible: false, reason: expect.stringContaining('Of 2 sets that must all be satisfied') });
    const account = (await api.call('GET', `${at}?principal=account:ada-l`)).body;
    expect(account.visible).toBe(false);
    expect(account.sets.map(({ satisfied }: { satisfied: boolean }) => satisfied).toSorted()).toEqual([false, true]);
    expect((await api.call('GET', `${at}?principal=group:night-shift`)).body.sets).toEqual(
      expect.arrayContaining([expect.objectContaining({ satisfied: true })]),
    );
  });

  test('is not told of a document of another organisation, nor for nobody, nor for two', async () => {
    const id = await documentId();
    expect(await api.call('GET', `/api/v1/documents/${id}/access?organisation=rival&principal=email:a@b.c`)).toMatchObject({
      body: { code: 'UNKNOWN_DOCUMENT' },
    });
    for (const query of ['', '?person=a@b.c&principal=email:a@b.c', '?principal=nonsense'])
      expect(await api.call('GET', `/api/v1/documents/${id}/access${query}`)).toMatchObject({ body: { code: 'INVALID_REQUEST' } });
  });
});

describe('the age of access', () => {
  test('hides documents from people, never from admins, when it is over what the connection believes', async () => {
    await setGroups({ staff: [['email', 'bob@acme.example']] });
    expect(await found('bob@acme.example')).toHaveLength(1);
    const at = `/api/v1/connections/${connection}/access`;
    expect((await api.call('GET', at)).body).toMatchObject({ groups: 1, stale: false, maxAgeHours: 168 });
    expect((await api.call('PATCH', at, { maxAgeHours: 0.0000001 })).body).toMatchObject({ stale: true });
    expect(await found('bob@acme.example')).toEqual([]);
    const id = await documentId();
    expect((await api.call('GET', `/api/v1/documents/${id}/access?person=bob@acme.example`)).body).toMatchObject({
      visible: false,
      stale: true,
      reason: expect.stringContaining('too long ago'),
    });
    expect((await api.call('PATCH', at, { maxAgeHours: null })).body).toMatchObject({ stale: false, maxAgeHours: 168 });
    expect(await found('bob@acme.example')).toEqual([id]);
    expect(await api.call('PATCH', `${at}?organisation=rival`, { maxAgeHours: 1 })).toMatchObject({ body: { code: 'UNKNOWN_CONNECTION' } });
  });
});

describe('people', () => {
  test('an address and an account are one person’s, and accounts are at connections of their organisation', async () => {
    const refused = async (person: object, code: string, organisation = 'default'): Promise<void> =>
      expect(await api.call('POST', `/api/v1/people?organisation=${organisation}`, person)).toMatchObject({ body: { code } });
    await refused({ email: 'ROBERT@other.example' }, 'CONFLICT');
    await refused({ email: 'new@acme.example', accounts: [{ connection, account: 'ada-l' }] }, 'CONFLICT');
    await refused({ email: 'new@acme.example', accounts: [{ connection, account: 'x' }] }, 'UNKNOWN_CONNECTION', 'rival');
    await refused({ email: 'no address' }, 'INVALID_REQUEST');
    expect(await api.call('GET', '/api/v1/people/new@acme.example')).toMatchObject({ body: { code: 'UNKNOWN_PERSON' } });
    expect(await api.call('POST', '/api/v1/people?organisation=rival', { email: 'ada@acme.example' })).toMatchObject({ status: 201 });
  });

  test('an import creates and changes, and says what it did', async () => {
    const people = [{ email: 'ada@acme.example', name: 'Ada L.' }, { email: 'bob@acme.example' }, { email: 'dora@acme.example' }];
    expect((await api.call('POST', '/api/v1/people/import', { people })).body).toEqual({ created: 1, changed: 1, unchanged: 1 });
    expect((await api.call('GET', '/api/v1/people/ada@acme.example')).body).toMatchObject({
      name: 'Ada L.',
      accounts: [{ connection, account: 'ada-l' }],
    });
    expect(await api.call('DELETE', '/api/v1/people/dora@acme.example')).toMatchObject({ status: 204 });
    expect(await api.call('POST', '/api/v1/retrieve', { question: 'x', person: 'dora@acme.example' })).toMatchObject({ status: 404 });
    const emails = (await api.call('GET', '/api/v1/people')).body.items.map(({ email }: { email: string }) => email);
    expect(emails).toEqual(['ada@acme.example', 'bob@acme.example', 'cy@elsewhere.example']);
  });

  test('accounts that are nobody’s are reported, until a person or the source says whose they are', async () => {
    await setGroups({
      staff: [
        ['account', 'ghost'],
        ['account', 'ada-l'],
        ['account', 'bobby'],
      ],
    });
    const unmapped = async (): Promise<unknown[]> => (await api.call('GET', '/api/v1/unmapped-accounts')).body.items;
    expect(await unmapped()).toEqual([
      { connection, account: 'ghost', groups: 1, accessLists: 0 },
      { connection, account: 'bobby', groups: 1, accessLists: 0 },
    ]);
    expect((await api.call('GET', '/api/v1/unmapped-accounts?organisation=rival')).body.items).toEqual([]);
    // The source says whose account it is by a group of the account's own id.
    await setGroups({
      staff: [
        ['account', 'ghost'],
        ['account', 'bobby'],
      ],
      bobby: [
        ['account', 'bobby'],
        ['email', 'Bob@acme.example'],
      ],
    });
    expect(await unmapped()).toEqual([{ connection, account: 'ghost', groups: 1, accessLists: 0 }]);
    expect((await api.call('GET', '/api/v1/people/bob@acme.example/principals')).body.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'account', id: 'bobby', connection }),
        expect.objectContaining({ kind: 'group', id: 'staff', name: 'Group staff' }),
        expect.objectContaining({ kind: 'domain', id: 'acme.example' }),
      ]),
    );
    expect(await found('bob@acme.example')).toHaveLength(1);
    // What an operator says stands above it.
    await api.call('PATCH', '/api/v1/people/cy@elsewhere.example', { accounts: [{ connection, account: 'bobby' }] });
    expect(await found('bob@acme.example')).toEqual([]);
    expect((await api.call('GET', '/api/v1/changes?organisation=default')).body.items).toEqual(
      expect.arrayContaining([expect.objectContaining({ action: 'person.change' })]),
    );
  });
});
