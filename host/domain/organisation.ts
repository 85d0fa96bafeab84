import { RequestError } from './errors.ts';

/** The organisation that is meant when nobody names one. It exists from the first start on. */
export const DEFAULT_ORGANISATION = 'default';

/** The same words for one that is not there and for one that is somebody else's. */
export function unknownOrganisation(id: string): RequestError {
  return new RequestError('UNKNOWN_ORGANISATION', `There is no organisation "${id.slice(0, 80)}".`, {
    remedy: 'Name one of those that `datasources organisations list` or GET /api/v1/organisations shows, or make it first.',
  });
}
