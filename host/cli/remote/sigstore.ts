import type { Schemas } from '../../../clients/typescript/client.ts';
import { parseAuthorities, type Authorities } from '../../domain/sigstore.ts';
import type { BelievedIdentity, BelievedRoot, SigstoreService } from '../../services/sources/source-services.ts';
import { toMs, type RemoteHost } from './remote-host.ts';

export function remoteSigstore({ client, ask }: RemoteHost): Partial<SigstoreService> {
  return {
    roots: async () => (await ask(client.GET('/api/v1/sigstore-roots', {}))).items.map(toRoot),
    putRoot: async ({ name, text: trustedRoot, witnesses }) =>
      toRoot(await ask(client.PUT('/api/v1/sigstore-roots/{name}', { params: { path: { name } }, body: { trustedRoot, witnesses } }))),
    removeRoot: async (name) => ask(client.DELETE('/api/v1/sigstore-roots/{name}', { params: { path: { name } } })),
    identities: async () => (await ask(client.GET('/api/v1/trusted-identities', {}))).items.map(toIdentity),
    addIdentity: async ({ names, ...input }) =>
      toIdentity(await ask(client.POST('/api/v1/trusted-identities', { body: { ...input, names: [...names] } }))),
    removeIdentity: async (id) => ask(client.DELETE('/api/v1/trusted-identities/{id}', { params: { path: { id } } })),
  };
}

/** The API tells of a root, and does not give its text. */
function toRoot({ name, digest, witnesses, authorities, addedAt }: Schemas['SigstoreRoot']): BelievedRoot {
  return {
    name,
    text: '',
    digest,
    witnesses,
    authorities: toAuthorities(authorities),
    ended: authorities.filter(({ ended }) => ended).map(({ kind }) => kind),
    addedAtMs: Date.parse(addedAt),
  };
}

function toAuthorities(listed: Schemas['SigstoreRoot']['authorities']): Authorities {
  const groups = listed.map(({ kind, count, endsAt }) => [kind, { count, endsAtMs: toMs(endsAt) }] as const);
  const authorities = parseAuthorities(Object.fromEntries(groups));
  if (authorities === undefined) throw new TypeError('what was made of an object is one');
  return authorities;
}

function toIdentity({ id, publisher, names, addedAt, root, issuer, subject, match }: Schemas['TrustedIdentity']): BelievedIdentity {
  return { id, publisher, names, addedAtMs: Date.parse(addedAt), identity: { root, issuer, subject, match } };
}
