import type { Caller } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { looksLikeKey } from '../../domain/key-text.ts';
import type { KeyService } from './keys.ts';
import type { Tokens } from './tokens.ts';

export interface CallerService {
  /** Who sent this `Authorization` header. UNAUTHENTICATED when it is missing or proves nothing; UPSTREAM_FAULT when the provider's keys cannot be read. */
  authenticate(authorization: string | undefined): Promise<Caller>;
}

/** `tokens` undefined: only keys of this host are taken. */
export function createCallers(options: { keys: Pick<KeyService, 'authenticate'>; tokens: Tokens | undefined }): CallerService {
  const { keys, tokens } = options;
  return {
    async authenticate(authorization) {
      if (authorization === undefined) throw unauthenticated('The request does not say who sends it.');
      const [, credential] = /^Bearer +([^\s,]+)$/i.exec(authorization) ?? [];
      if (credential === undefined) throw unauthenticated('The Authorization header is not "Bearer" and a key.');
      if (looksLikeKey(credential)) return keys.authenticate(credential);
      if (tokens === undefined) throw unauthenticated('What the Authorization header holds is no key of this host.');
      return tokens.authenticate(credential);
    },
  };
}

export function unauthenticated(reason: string): RequestError {
  return new RequestError('UNAUTHENTICATED', reason, {
    remedy: 'Send the header "Authorization: Bearer" and a key; `datasources keys create` makes one.',
  });
}
