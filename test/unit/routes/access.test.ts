import { describe, expect, it } from 'vitest';
import type { Caller } from '../../../host/domain/caller.ts';
import { callersWith, refuseForeignOrganisation } from '../../../host/routes/access.ts';

const CALLER: Caller = { kind: 'key', id: 'test', organisation: 'own', scopes: ['operator'] };

describe('a request of a caller of one organisation', () => {
  it.each([
    ['another one', 'organisation=other', undefined],
    ['its own and then another one', 'organisation=own&organisation=other', undefined],
    ['its own in the address and another one in the body', 'organisation=own', { organisation: 'other' }],
  ])('is refused when it names %s', (_, query, body) => {
    const request = { path: new URLSearchParams(), query: new URLSearchParams(query), body };
    expect(() => refuseForeignOrganisation(callersWith('operator', 'query-or-body'), CALLER, request)).toThrow('"other"');
    if (body === undefined) expect(() => refuseForeignOrganisation(callersWith('operator', 'query'), CALLER, request)).toThrow('"other"');
  });

  it('means its own when it names none', () => {
    const request = { path: new URLSearchParams(), query: new URLSearchParams(), body: undefined };
    refuseForeignOrganisation(callersWith('operator', 'query'), CALLER, request);
    expect(request.query.get('organisation')).toBe('own');
  });
});
