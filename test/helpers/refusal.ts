import { RequestError } from '../../host/domain/errors.ts';

/** The error that something is refused with. Throws what is no refusal, and when nothing is refused. */
export async function refusal(act: Promise<unknown>): Promise<RequestError> {
  try {
    await act;
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}
