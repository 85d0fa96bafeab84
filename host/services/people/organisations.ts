import { RequestError } from '../../domain/errors.ts';
import { unknownOrganisation } from '../../domain/organisation.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { getOrganisation, insertOrganisation, pageOrganisations } from '../../store/organisations.ts';
import type { OrganisationService } from './organisation-service.ts';

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function createOrganisations(database: Database): OrganisationService {
  const service: OrganisationService = {
    async create({ id, name }, actor) {
      if (!ID.test(id)) {
        throw new RequestError('INVALID_REQUEST', `"${id.slice(0, 80)}" cannot be the id of an organisation.`, {
          problems: [
            {
              path: '/id',
              reason: 'It is not 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit.',
              remedy: 'Choose an id such as acme.',
            },
          ],
        });
      }
      const made = { id, name: name ?? id };
      const record = { actor, organisation: id, action: 'organisation.create', target: `organisation/${id}`, after: made } as const;
      await insertOrganisation(recording(database, record), { ...made, createdAtMs: Date.now() });
      return service.get(id);
    },
    async get(id) {
      const found = await getOrganisation(database, id);
      if (found === undefined) {
        throw unknownOrganisation(id);
      }
      return found;
    },
    list: async ({ organisation }, page) =>
      organisation === undefined ? pageOrganisations(database, page) : { items: [await service.get(organisation)], next: undefined },
  };
  return service;
}
