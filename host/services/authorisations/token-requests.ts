import * as oauth from 'oauth4webapi';
import { RequestError } from '../../domain/errors.ts';
import type { AuthorisationClient } from './authorisation-client.ts';
import { mended } from './token-answer.ts';
import { requestByAssertion, requestForInstallation } from './token-by-assertion.ts';
import { postOptions, requestTokens } from './token-endpoint.ts';
import { toFailure, type TokenOutcome } from './token-outcome.ts';

/** Exchanges the code of a callback, whose parameters `validateAuthResponse` has approved. */
export function exchangeCode(
  access: AuthorisationClient,
  { parameters, redirectUri, verifier }: { parameters: URLSearchParams; redirectUri: string; verifier: string },
): Promise<TokenOutcome> {
  return requestTokens(access, [verifier, parameters.get('code')], (options) =>
    oauth.authorizationCodeGrantRequest(access.server, access.client, access.proof, parameters, redirectUri, verifier, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** RFC 6749, section 6. */
export function refreshTokens(access: AuthorisationClient, refresh: string): Promise<TokenOutcome> {
  return requestTokens(access, [refresh], (options) =>
    oauth.refreshTokenGrantRequest(access.server, access.client, access.proof, refresh, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** RFC 8628, section 3.4. */
export function pollDevice(access: AuthorisationClient, deviceCode: string): Promise<TokenOutcome> {
  return requestTokens(access, [deviceCode], (options) =>
    oauth.deviceCodeGrantRequest(access.server, access.client, access.proof, deviceCode, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** A token without a person: whatever its flow needs is in the connection's settings and the operator's values. */
export function requestWithoutPerson(
  access: AuthorisationClient,
  flow: 'client_credentials' | 'assertion' | 'installation',
): Promise<TokenOutcome> {
  switch (flow) {
    case 'client_credentials':
      return requestTokens(access, [], (options) =>
        oauth.clientCredentialsGrantRequest(
          access.server,
          access.client,
          access.proof,
          { ...scopeParameter(access), ...access.rules.tokenParameters },
          options,
        ),
      );
    case 'assertion':
      return requestByAssertion(access);
    case 'installation':
      return requestForInstallation(access);
    default:
      return flow satisfies never;
  }
}

/** Begins a device flow (RFC 8628, section 3.1). AUTHORISATION_REFUSED, UPSTREAM_FAULT. */
export async function beginDevice(access: AuthorisationClient): Promise<oauth.DeviceAuthorizationResponse> {
  try {
    const parameters = scopeParameter(access);
    const response = await oauth.deviceAuthorizationRequest(access.server, access.client, access.proof, parameters, postOptions(access));
    return await oauth.processDeviceAuthorizationResponse(access.server, access.client, await mended(response, access));
  } catch (error) {
    const outcome = toFailure(error, access, []);
    const reason = 'reason' in outcome ? outcome.reason : 'it answered something else';
    throw new RequestError(
      outcome.kind === 'unavailable' ? 'UPSTREAM_FAULT' : 'AUTHORISATION_REFUSED',
      `The source gave no device code: ${reason}.`,
      {
        remedy: 'Compare the client id, the scopes and whether the client may use the device flow with what the source knows.',
        cause: error,
      },
    );
  }
}

/** What was asked for, as the source wants it written. */
export function scopeParameter({ rules, scopes }: AuthorisationClient): Record<string, string> {
  return scopes.length === 0 ? {} : { [rules.scopeParameter]: scopes.join(rules.scopeSeparator) };
}
