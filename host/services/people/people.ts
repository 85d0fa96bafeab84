import { ulid } from 'ulid';
import { foldAddress } from '../../domain/access.ts';
import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Person } from '../../domain/person.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { listUnmappedAccounts, principalsOfPerson } from '../../store/principals-of.ts';
import { deletePerson, findPerson, insertPerson, listPeople, updatePerson, type PersonFacts } from '../../store/people.ts';
import type { PeopleImport, PeopleService, PersonInput } from './people-services.ts';
import type { OrganisationService } from './organisation-service.ts';
import { knownPerson } from '../retrieval/visibility.ts';

export interface PeopleOptions {
  database: Database;
  organisations: OrganisationService;
}

/** One `@`, something before it, a domain behind it, nothing that is no character of an address. */
const ADDRESS = /^[^\s@,;<>"]{1,64}@[^\s@,;<>"]{1,255}$/;

export function createPeople({ database, organisations }: PeopleOptions): PeopleService {
  async function put(organisation: string, before: Person | undefined, input: Partial<PersonInput>, actor: Actor): Promise<Person> {
    const after = toFacts(input, before);
    const id = before?.id ?? ulid();
    const action = before === undefined ? 'person.create' : 'person.change';
    const shown = before === undefined ? {} : { before: factsOf(before) };
    const recorded = recording(database, { actor, organisation, action, target: `person/${id}`, ...shown, after });
    const key = { organisation, id };
    if (before === undefined) await insertPerson(recorded, key, after, Date.now());
    else await updatePerson(recorded, key, after, Date.now());
    return knownPerson(database, organisation, id);
  }

  const service: PeopleService = {
    async create(organisation, input, actor) {
      await organisations.get(organisation);
      return put(organisation, undefined, input, actor);
    },

    async get(organisation, person) {
      await organisations.get(organisation);
      return knownPerson(database, organisation, person);
    },

    async list(organisation, page) {
      await organisations.get(organisation);
      return listPeople(database, organisation, page);
    },

    async change(organisation, person, input, actor) {
      return put(organisation, await service.get(organisation, person), input, actor);
    },

    async remove(organisation, person, actor) {
      const before = await service.get(organisation, person);
      const target = `person/${before.id}`;
      const recorded = recording(database, { actor, organisation, action: 'person.remove', target, before: factsOf(before) });
      await deletePerson(recorded, { organisation, id: before.id });
    },

    async import(organisation, people, actor) {
      await organisations.get(organisation);
      const done: PeopleImport = { created: 0, changed: 0, unchanged: 0 };
      for (const input of people) {
        const before = await findPerson(database, organisation, input.email);
        if (before !== undefined && same(factsOf(before), toFacts(input, before))) done.unchanged += 1;
        else {
          await put(organisation, before, input, actor);
          done[before === undefined ? 'created' : 'changed'] += 1;
        }
      }
      return done;
    },

    async principals(organisation, person) {
      const { id } = await service.get(organisation, person);
      return principalsOfPerson(database, organisation, id);
    },

    async unmapped(organisation, page) {
      await organisations.get(organisation);
      return listUnmappedAccounts(database, organisation, page);
    },
  };
  return service;
}

/** The person as they are to be. INVALID_REQUEST for what is no address. */
function toFacts(input: Partial<PersonInput>, before: Person | undefined): PersonFacts {
  const email = checkedAddress(input.email ?? before?.email ?? '', '/email');
  const aliases = (input.aliases ?? before?.aliases ?? []).map((alias, index) => checkedAddress(alias, `/aliases/${index}`));
  const accounts = (input.accounts ?? before?.accounts ?? []).map(({ connection, account }) => ({ connection, account }));
  const byText = new Map(accounts.map((account) => [JSON.stringify(account), account]));
  return {
    email,
    name: input.name ?? before?.name ?? email,
    aliases: [...new Set(aliases)].filter((alias) => alias !== email).toSorted(),
    accounts: [...byText.values()],
  };
}

function factsOf({ email, name, aliases, accounts }: Person): PersonFacts {
  return { email, name, aliases, accounts };
}

function same(a: PersonFacts, b: PersonFacts): boolean {
  return comparable(a) === comparable(b);
}

/** The same text for the same facts, in whatever order their lists are. */
function comparable({ email, name, aliases, accounts }: PersonFacts): string {
  const pairs = accounts.map(({ connection, account }) => JSON.stringify([connection, account]));
  return JSON.stringify([email, name, aliases.toSorted(), pairs.toSorted()]);
}

function checkedAddress(given: string, path: string): string {
  const address = foldAddress(given);
  if (ADDRESS.test(address)) return address;
  const reason = 'It is no e-mail address.';
  const remedy = 'Give one such as ada@acme.example.';
  throw new RequestError('INVALID_REQUEST', `The person cannot be kept: ${path} is no e-mail address.`, {
    remedy,
    problems: [{ path, reason, remedy }],
  });
}
