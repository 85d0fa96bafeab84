import { HOST_ITSELF } from './domain/caller.ts';
import { RequestError } from './domain/errors.ts';
import { DEFAULT_ORGANISATION } from './domain/organisation.ts';
import type { Services } from './services/services.ts';

/** Creates the default organisation unless it is there. Safe when several hosts start at once. */
export async function ensureDefaultOrganisation({ organisations }: Pick<Services, 'organisations'>): Promise<void> {
  try {
    await organisations.get(DEFAULT_ORGANISATION);
    return;
  } catch (error) {
    if (!isRequestError(error, 'UNKNOWN_ORGANISATION')) throw error;
  }
  try {
    await organisations.create({ id: DEFAULT_ORGANISATION, name: 'Default' }, HOST_ITSELF);
  } catch (error) {
    if (!isRequestError(error, 'CONFLICT')) throw error;
  }
}

function isRequestError(error: unknown, code: RequestError['code']): boolean {
  return error instanceof RequestError && error.code === code;
}
