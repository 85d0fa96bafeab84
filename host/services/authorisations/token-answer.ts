import { plainText } from '../../capabilities/capability.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { AuthorisationClient } from './authorisation-client.ts';

/** The answer in the shape of RFC 6749, whatever the source makes of it. */
export async function mended(response: Response, access: AuthorisationClient): Promise<Response> {
  return mend(response, await jsonOf(response), access);
}

/** Undefined when it is no object; the answer can be read again. */
export async function jsonOf(response: Response): Promise<JsonObject | undefined> {
  try {
    const body: unknown = await response.clone().json();
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Brings what sources answer to the shape of RFC 6749: errors that come as a 200, tokens inside another object, types of their own. */
export function mend(response: Response, body: JsonObject | undefined, { rules }: AuthorisationClient): Response {
  if (body === undefined) return response;
  if (typeof body.error === 'string' && response.ok) return toJsonResponse({ ...body, error: body.error }, 400);
  if (!response.ok) return response;
  const [outermost] = rules.tokenAt;
  // Slack gives a refreshed token of a person at the top, where it gives that of a bot at first.
  const inner =
    outermost === undefined || !(outermost in body)
      ? body
      : rules.tokenAt.reduce<unknown>((value, key) => (isJsonObject(value) ? value[key] : undefined), body);
  // An id token is not asked for and not relied on; its issuer differs from the server's where tenants share one.
  const { id_token: _, expires_in: seconds, scope, ...rest } = isJsonObject(inner) ? inner : {};
  const lifetime = typeof seconds === 'string' ? Number(seconds) : seconds;
  return toJsonResponse(
    {
      ...rest,
      token_type: 'bearer',
      ...(typeof lifetime === 'number' && lifetime > 0 ? { expires_in: lifetime } : {}),
      ...(typeof scope === 'string' ? { scope } : {}),
    },
    200,
  );
}

function toJsonResponse(body: JsonObject, status: number): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}

/** A name for people, from what came straight from the token endpoint (OpenID Connect Core, section 3.1.3.7, point 6). */
export function accountOf(body: JsonObject | undefined): string | undefined {
  const [, payload = ''] = typeof body?.id_token === 'string' ? body.id_token.split('.') : [];
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
  const team = isJsonObject(body?.team) ? body.team.name : undefined;
  const found = [claims?.email, claims?.preferred_username, claims?.name, team].find((name) => typeof name === 'string' && name !== '');
  return typeof found === 'string' ? plainText(found, 200) : undefined;
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An empty text says as little as none: the user tokens of GitHub Apps have permissions instead. */
export function scopesOf(scope: string | undefined): string[] | undefined {
  const scopes = (scope ?? '').split(/[\s,]+/).filter((one) => one !== '');
  return scopes.length === 0 ? undefined : scopes;
}
