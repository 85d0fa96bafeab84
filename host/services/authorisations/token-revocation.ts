import * as oauth from 'oauth4webapi';
import type { AuthorisationClient } from './authorisation-client.ts';
import { postOptions } from './token-endpoint.ts';
import { toFailure, type GivenTokens } from './token-outcome.ts';

/**
 * Tells the source that tokens are worth nothing any more. The refresh token first: with it the source should end all that was
 * made of it (RFC 7009, section 2.1). A grant is deleted by its access token alone. Undefined when it was told, else why not.
 */
export async function revokeTokens(
  access: AuthorisationClient,
  tokens: Pick<GivenTokens, 'access' | 'refresh'>,
): Promise<string | undefined> {
  if (tokens.refresh === undefined || access.rules.revocation === 'delete_grant') return revokeToken(access, tokens.access, 'access_token');
  const refreshed = await revokeToken(access, tokens.refresh, 'refresh_token');
  await revokeToken(access, tokens.access, 'access_token');
  return refreshed;
}

async function revokeToken(
  access: AuthorisationClient,
  token: string,
  kind: 'access_token' | 'refresh_token',
): Promise<string | undefined> {
  const { server, client, proof, rules } = access;
  if (server.revocation_endpoint === undefined) return 'it has no address for that';
  try {
    if (rules.revocation === 'delete_grant') return await deleteGrant(access, server.revocation_endpoint, token);
    const options = { ...postOptions(access), additionalParameters: { token_type_hint: kind } };
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, token, options));
    return undefined;
  } catch (error) {
    const outcome = toFailure(error, access, [token]);
    return 'reason' in outcome ? outcome.reason : 'it answered something else';
  }
}

/** As GitHub's "Delete an app authorization" does. */
async function deleteGrant(access: AuthorisationClient, endpoint: string, token: string): Promise<string | undefined> {
  const { client, secrets } = access;
  const response = await access.fetch(endpoint, {
    method: 'DELETE',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${client.client_id}:${secrets[0] ?? ''}`).toString('base64')}`,
    },
    body: JSON.stringify({ access_token: token }),
  });
  return response.ok ? undefined : `it answered ${response.status}`;
}
