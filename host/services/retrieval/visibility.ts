import { hasScope, seesEverything, type Caller } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Person } from '../../domain/person.ts';
import type { Database } from '../../store/database.ts';
import { findPerson, getPerson } from '../../store/people.ts';
import { EVERYTHING, personVisibility, publicVisibility, type Visibility } from '../../store/visibility.ts';

/** Who asks, and for whom. */
export interface Asker {
  caller: Pick<Caller, 'kind' | 'id' | 'scopes'>;
  /** Of the HTTP request, if there was one. */
  requestId: string | undefined;
  /** The id or an address of the person that it is asked for; undefined: for the caller itself. */
  person?: string;
}

/** What an asker may see. */
export interface Sight {
  visibility: Visibility;
  /** Undefined when it is not asked for a person. */
  person: Person | undefined;
}

/** Decides what may be seen. The one place where a person becomes a `Visibility`. */
export interface VisibilityService {
  /**
   * For a person: exactly what that person may see. Without one: everything for callers that see everything of the
   * organisation, and public documents for all others, also when nobody says who asks. FORBIDDEN when the caller may
   * not ask for persons, then UNKNOWN_PERSON.
   */
  of(organisation: string, asker: Asker | undefined): Promise<Sight>;
}

export interface VisibilityOptions {
  database: Database;
  /** Access that was confirmed longer ago is not known, unless the connection says otherwise. */
  maxAgeMs: number;
}

export function createVisibility({ database, maxAgeMs }: VisibilityOptions): VisibilityService {
  return {
    async of(organisation, asker) {
      const of = { organisation, nowMs: Date.now(), maxAgeMs };
      if (asker?.person === undefined) {
        const visibility = asker !== undefined && seesEverything(asker.caller) ? EVERYTHING : await publicVisibility(database, of);
        return { visibility, person: undefined };
      }
      if (!hasScope(asker.caller, 'on-behalf-of')) throw mayNotAskForPeople();
      const person = await knownPerson(database, organisation, asker.person);
      return { visibility: await personVisibility(database, { ...of, person: person.id }), person };
    },
  };
}

/** By id or by any address. UNKNOWN_PERSON, also for one of another organisation. */
export async function knownPerson(database: Database, organisation: string, idOrEmail: string): Promise<Person> {
  const find = idOrEmail.includes('@') ? findPerson : getPerson;
  const person = await find(database, organisation, idOrEmail);
  if (person !== undefined) return person;
  throw new RequestError('UNKNOWN_PERSON', `There is no person "${idOrEmail.slice(0, 80)}" in this organisation.`, {
    remedy: 'Name one that GET /api/v1/people or `datasources people list` shows, or create the person first.',
  });
}

function mayNotAskForPeople(): RequestError {
  return new RequestError('FORBIDDEN', 'To ask for a person needs the scope "on-behalf-of", which the caller does not have.', {
    remedy: 'Use a key with that scope, or leave `person` out.',
  });
}
