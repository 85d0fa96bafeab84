import { RequestError } from '../domain/errors.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { text } from './parameters.ts';

const WHOSE = 'Which organisation';

/** The query parameter of routes that name their organisation nowhere else. */
export const ORGANISATION = text(`${WHOSE}; a caller of one organisation means its own when it is left out.`, {
  fallback: DEFAULT_ORGANISATION,
  maxLength: 63,
});

/** The query parameter of routes whose body may name it too. */
export const ORGANISATION_OR_BODY = text(
  `${WHOSE}; may be given in the body instead. When neither is there: the caller's own, or \`${DEFAULT_ORGANISATION}\`.`,
  {
    fallback: undefined,
    maxLength: 63,
  },
);

/** The organisation that the query or the body names, or the default one. INVALID_REQUEST when they disagree. */
export function organisationOf(query: { organisation: string | undefined }, body: { organisation: string | undefined }): string {
  return namedOrganisation(query, body) ?? DEFAULT_ORGANISATION;
}

/** The organisation that the query or the body names, if any. INVALID_REQUEST when they disagree. */
export function namedOrganisation(
  query: { organisation: string | undefined },
  body: { organisation: string | undefined },
): string | undefined {
  if (query.organisation !== undefined && body.organisation !== undefined && query.organisation !== body.organisation) {
    throw new RequestError('INVALID_REQUEST', 'The address and the body name different organisations.', {
      remedy: 'Name it in one of them.',
      problems: [{ path: '/organisation', reason: 'The query parameter names another organisation.', remedy: 'Name it in one of them.' }],
    });
  }
  return query.organisation ?? body.organisation;
}
