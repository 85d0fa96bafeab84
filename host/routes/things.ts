import type { Caller } from '../domain/caller.ts';
import type { LoggedThing } from '../domain/expectation.ts';
import type { Services } from '../services/services.ts';
import type { SchemaName } from './validation.ts';

/** Something that callers read, and that they may change on the condition that nobody has done so since. Its parts share its state. */
export interface Thing<P, Q> {
  /** Schemas that show it, or a part of it: what answers with one of them has its ETag. */
  shownAs: readonly SchemaName[];
  /** As the log of changes names it. What its service throws for one that is not there. */
  find(services: Services, request: { path: P; query: Q; caller: Caller }): Promise<LoggedThing>;
}

type OfOrganisation = { organisation: string };

/** With its schedule, webhook, authorisation and access. */
export const CONNECTION: Thing<{ id: string }, OfOrganisation> = {
  shownAs: ['Connection', 'ConnectionSchedule', 'Webhook', 'Authorisation', 'ConnectionAccess'],
  find: async (_services, { path, query }) => ({ organisation: query.organisation, target: `connection/${path.id}` }),
};

/** The same, where no organisation is named. */
export const CALLERS_CONNECTION: Thing<{ id: string }, object> = {
  shownAs: ['LorelaiSelection'],
  find: async (services, { path, caller }) => ({
    organisation: await services.lorelai.organisationOf(caller, path.id),
    target: `connection/${path.id}`,
  }),
};

/** By id or address. */
export const PERSON: Thing<{ id: string }, OfOrganisation> = {
  shownAs: ['Person'],
  async find(services, { path, query: { organisation } }) {
    return { organisation, target: `person/${(await services.people.get(organisation, path.id)).id}` };
  },
};

export const KEY: Thing<{ id: string }, { organisation: string | undefined }> = {
  shownAs: ['Key'],
  async find(services, { path, query }) {
    const { organisation, id } = await services.keys.get(query, path.id);
    return { organisation, target: `key/${id}` };
  },
};

/** With its versions, its grant and its variables for the whole host. */
export const DATASOURCE: Thing<{ name: string }, object> = {
  shownAs: ['Datasource', 'DatasourceVersions', 'VariableList'],
  find: async (_services, { path }) => ({ organisation: undefined, target: `datasource/${path.name}` }),
};

/** The variables of a datasource for one organisation. */
export const VARIABLES: Thing<{ name: string }, OfOrganisation> = {
  shownAs: ['VariableList'],
  find: async (_services, { path, query }) => ({ organisation: query.organisation, target: `datasource/${path.name}` }),
};

export const FEATURE: Thing<{ name: string; feature: string }, object> = {
  shownAs: ['FeatureFlag'],
  find: async (_services, { path }) => ({ organisation: undefined, target: `feature/${path.name}/${path.feature}` }),
};

/** All of them: there is no address to read one. */
export const SIGSTORE_ROOTS: Thing<object, object> = {
  shownAs: ['SigstoreRoots', 'SigstoreRoot'],
  find: async () => ({ organisation: undefined, target: 'sigstore-roots' }),
};

/** All of them, as the roots. */
export const TRUSTED_IDENTITIES: Thing<object, object> = {
  shownAs: ['TrustedIdentities', 'TrustedIdentity'],
  find: async () => ({ organisation: undefined, target: 'trusted-identities' }),
};

/** All of them, as the roots. */
export const TRUSTED_KEYS: Thing<object, object> = {
  shownAs: ['TrustedKeys'],
  find: async () => ({ organisation: undefined, target: 'trusted-keys' }),
};
