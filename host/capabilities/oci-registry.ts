import { parseJson } from '../domain/envelope.ts';
import { RequestError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import { isLoopbackHost } from '../domain/loopback.ts';
import {
  digestOf,
  INDEX_TYPE,
  MANIFEST_TYPE,
  parseManifest,
  parseReferrers,
  unusable,
  type OciDescriptor,
  type OciManifest,
  type OciReferrer,
} from './oci-documents.ts';
import { unreachable, type RemoteAnswer, type RemoteFetch, type RemoteRequest } from './remote-fetch.ts';

/** Who this host is at a registry. */
export interface RegistryCredentials {
  username: string;
  password: string;
}

/** One repository of a registry, as the OCI distribution specification 1.1 describes it. */
export interface OciRepository {
  /**
   * By tag or digest; undefined when it has none. Bytes with another digest than was asked for are refused.
   * SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE, DIGEST_MISMATCH.
   */
  manifest(reference: string): Promise<OciManifest | undefined>;
  /** What the registry lists as belonging to the manifest with this digest, the oldest first where it keeps their order. SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE. */
  referrers(digest: string): Promise<OciReferrer[]>;
  /** The bytes of a layer: exactly as many as it says, with exactly its digest. The codes of `manifest`. */
  blob(layer: OciDescriptor): Promise<Uint8Array>;
  /** Puts bytes there, unless they are there. SOURCE_UNREACHABLE, SOURCE_DENIED. */
  putBlob(mediaType: string, bytes: Uint8Array): Promise<OciDescriptor>;
  /** Gives a manifest a name. The codes of `putBlob`. */
  putManifest(reference: string, manifest: object): Promise<OciDescriptor>;
  /** Puts a manifest there that belongs to another one, and sees that it is listed. The codes of `putBlob` and of `referrers`. */
  putReferrer(subject: OciDescriptor, artifactType: string, manifest: object): Promise<void>;
}

export interface OciRepositoryOptions {
  host: string;
  repository: string;
  fetch: RemoteFetch;
  credentials: RegistryCredentials | undefined;
}

/** The specification asks registries for no more. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_LAYER_BYTES = 256 * 1024 * 1024;
const MAX_WORDS_BYTES = 256 * 1024;
const MAX_REALM_CHARACTERS = 2_048;

export function openOciRepository({ host, repository, fetch, credentials }: OciRepositoryOptions): OciRepository {
  const base = new URL(`https://${host}/v2/${repository}/`);
  if (isLoopbackHost(base.hostname)) base.protocol = 'http:';
  // A token is good for this repository and what was asked of it; it lives as long as this object, which is one command.
  let authorization: string | undefined;

  async function ask(path: string | URL, request: RemoteRequest): Promise<RemoteAnswer> {
    const url = new URL(path, base);
    // Some registries stand behind a proxy and do not know their own scheme.
    if (url.host === base.host) url.protocol = base.protocol;
    const credential = (): string | undefined => (url.origin === base.origin ? authorization : undefined);
    const first = await fetch(url, { ...request, authorization: credential() });
    if (first.status !== 401 || url.origin !== base.origin) return first;
    authorization = await answerChallenge(first.headers.get('www-authenticate') ?? '', { fetch, base, credentials });
    return fetch(url, { ...request, authorization: credential() });
  }

  async function listReferrers(digest: string): Promise<OciReferrer[]> {
    const request: RemoteRequest = { method: 'GET', headers: { accept: INDEX_TYPE }, maxBytes: MAX_MANIFEST_BYTES };
    const listed = await ask(`referrers/${digest}`, request);
    // Each registry has its own way to say that it does not know the question.
    const answer = listed.status === 200 ? listed : await ask(`manifests/${referrersTag(digest)}`, request);
    if (answer.status === 404) return [];
    expectStatus(answer, base, [200]);
    return parseReferrers(answer.body, base);
  }

  return {
    async manifest(reference) {
      const answer = await ask(`manifests/${reference}`, {
        method: 'GET',
        headers: { accept: MANIFEST_TYPE },
        maxBytes: MAX_MANIFEST_BYTES,
      });
      if (answer.status === 404) return undefined;
      expectStatus(answer, base, [200]);
      if (reference.startsWith('sha256:')) refuseOther(reference, digestOf(answer.body));
      return parseManifest(answer.body, base);
    },

    referrers: listReferrers,

    async blob({ digest, size }) {
      if (size > MAX_LAYER_BYTES) throw unusable(base, `its layer has ${size} bytes; at most ${MAX_LAYER_BYTES} are read`);
      const answer = await ask(`blobs/${digest}`, { method: 'GET', maxBytes: size });
      expectStatus(answer, base, [200]);
      refuseOther(digest, digestOf(answer.body));
      return answer.body;
    },

    async putBlob(mediaType, bytes) {
      const digest = digestOf(bytes);
      const descriptor = { mediaType, digest, size: bytes.byteLength };
      const there = await ask(`blobs/${digest}`, { method: 'HEAD', maxBytes: 0 });
      if (there.status === 200) return descriptor;
      const begun = await ask('blobs/uploads/', { method: 'POST', maxBytes: MAX_WORDS_BYTES });
      expectStatus(begun, base, [202]);
      const location = new URL(begun.headers.get('location') ?? '', begun.url);
      location.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream' };
      expectStatus(await ask(location, { method: 'PUT', headers, body: bytes, maxBytes: MAX_WORDS_BYTES }), base, [201]);
      return descriptor;
    },

    async putManifest(reference, manifest) {
      const body = new Uint8Array(Buffer.from(JSON.stringify(manifest)));
      const headers = { 'content-type': MANIFEST_TYPE };
      expectStatus(await ask(`manifests/${reference}`, { method: 'PUT', headers, body, maxBytes: MAX_WORDS_BYTES }), base, [201]);
      return { mediaType: MANIFEST_TYPE, digest: digestOf(body), size: body.byteLength };
    },

    async putReferrer(subject, artifactType, manifest) {
      const body = new Uint8Array(Buffer.from(JSON.stringify({ ...manifest, artifactType, subject })));
      const digest = digestOf(body);
      const put = await ask(`manifests/${digest}`, {
        method: 'PUT',
        headers: { 'content-type': MANIFEST_TYPE },
        body,
        maxBytes: MAX_WORDS_BYTES,
      });
      expectStatus(put, base, [201]);
      // It keeps the list by itself.
      if (put.headers.has('oci-subject')) return;
      const others = (await listReferrers(subject.digest)).filter((listed) => listed.digest !== digest);
      const manifests = [...others, { mediaType: MANIFEST_TYPE, digest, size: body.byteLength, artifactType }];
      const index = new Uint8Array(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests })));
      const headers = { 'content-type': INDEX_TYPE };
      expectStatus(
        await ask(`manifests/${referrersTag(subject.digest)}`, { method: 'PUT', headers, body: index, maxBytes: MAX_WORDS_BYTES }),
        base,
        [201],
      );
    },
  };
}

/** Where a registry without the referrers API keeps the list, says the specification. */
function referrersTag(digest: string): string {
  return digest.replace(':', '-');
}

/** The field that answers a challenge (RFC 9110, section 11.6.1; the registry's token protocol). SOURCE_DENIED. */
async function answerChallenge(
  challenge: string,
  { fetch, base, credentials }: { fetch: RemoteFetch; base: URL; credentials: RegistryCredentials | undefined },
): Promise<string> {
  const basic =
    credentials === undefined ? undefined : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  if (/^basic\b/i.test(challenge)) {
    if (basic === undefined) throw denied(base, 'wants a password, and this host has none for it');
    return basic;
  }
  const parameters = new Map(
    [...challenge.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, name = '', value = '']) => [name.toLowerCase(), value]),
  );
  const realm = parameters.get('realm') ?? '';
  if (!/^bearer\b/i.test(challenge) || realm.length > MAX_REALM_CHARACTERS || !URL.canParse(realm))
    throw denied(base, 'asks for a proof that this host does not know');
  const url = new URL(realm);
  for (const name of ['service', 'scope']) {
    const value = parameters.get(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const answer = await fetch(url, { method: 'GET', authorization: basic, maxBytes: MAX_WORDS_BYTES });
  const parsed = answer.status === 200 ? parseJson(Buffer.from(answer.body).toString('utf8')) : undefined;
  const token = isJsonObject(parsed) ? (parsed.token ?? parsed.access_token) : undefined;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw denied(base, 'gave no token');
  return `Bearer ${token}`;
}

function refuseOther(asked: string, found: string): void {
  if (asked === found) return;
  throw new RequestError('DIGEST_MISMATCH', `${asked} was asked for, and what came has ${found}.`, {
    remedy: 'Try again; if it stays, somebody has changed it on the way or in the registry: tell the publisher.',
  });
}

function expectStatus({ status }: RemoteAnswer, base: URL, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  if (status === 401 || status === 403) throw denied(base, `answered ${status}`);
  throw unreachable(base, `it answered ${status}`);
}

function denied({ host }: URL, reason: string): RequestError {
  return new RequestError('SOURCE_DENIED', `The registry ${host} ${reason}.`, {
    remedy: "Log in with a tool that writes a config.json in Docker's form, and name that file in LORELAI_REGISTRY_CONFIG.",
  });
}
