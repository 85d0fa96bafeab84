import * as oauth from 'oauth4webapi';
import type { AuthorisationClient } from './authorisation-client.ts';
import { accountOf, jsonOf, mend, scopesOf } from './token-answer.ts';
import { toFailure, type TokenOutcome } from './token-outcome.ts';

type PostOptions = oauth.HttpRequestOptions<'POST', URLSearchParams>;

/** One request for tokens. `shown`: what the source is shown and may not repeat to people. */
export async function requestTokens(
  access: AuthorisationClient,
  shown: readonly (string | null)[],
  post: (options: PostOptions) => Promise<Response>,
): Promise<TokenOutcome> {
  try {
    const original = await post(postOptions(access));
    const body = await jsonOf(original);
    const response = mend(original, body, access);
    const { access_token, refresh_token, expires_in, scope } = await oauth.processGenericTokenEndpointResponse(
      access.server,
      access.client,
      response,
    );
    return {
      kind: 'tokens',
      tokens: {
        access: access_token,
        refresh: refresh_token,
        lifetimeMs: expires_in === undefined ? undefined : expires_in * 1_000,
        scopes: scopesOf(scope),
        account: accountOf(body),
      },
    };
  } catch (error) {
    return toFailure(error, access, shown);
  }
}

/** The origin was granted letter by letter, plain http included: `authorisation-fetch.ts` decides. */
export function postOptions(access: AuthorisationClient): PostOptions {
  return {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url, { method, headers, body, signal }) => access.fetch(url, { method, headers, body: body.toString(), signal }),
  };
}
