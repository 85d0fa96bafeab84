import { isDigest } from './component-signature.ts';
import { RequestError } from './errors.ts';
import { isLoopbackHost } from './loopback.ts';

/** An artifact of a registry: by digest when there is one, else by tag. */
export interface OciLocation {
  kind: 'oci';
  /** With its port, when there is one. */
  host: string;
  repository: string;
  tag: string | undefined;
  /** Of the artifact's manifest. */
  digest: string | undefined;
}

/** A file of a web server with the digest that it must have. */
export interface WebLocation {
  kind: 'web';
  url: string;
  digest: string;
}

/** A name, and a version when it matters, that a market knows. */
export interface MarketLocation {
  kind: 'market';
  name: string;
  version: string | undefined;
}

export type SourceLocation = OciLocation | WebLocation | MarketLocation;

const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?`;
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
/** The grammar of the OCI distribution specification 1.1, "Pulling manifests". */
const OCI = new RegExp(
  `^oci://(${HOST})/(${COMPONENT}(?:/${COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);
const NAMED = /^([a-z][a-z0-9_]{0,63})(?:@([0-9][0-9A-Za-z.+-]{0,63}))?$/;
const MAX_CHARACTERS = 2_048;

/** Whether the text means something that is not a file of this machine, were it well formed or not. */
export function isRemote(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** Reads `oci://HOST/REPOSITORY:TAG`, `oci://…@sha256:…`, `https://…#sha256:…`, `NAME` or `NAME@VERSION`. INVALID_REQUEST. */
export function parseSourceLocation(text: string): SourceLocation {
  if (text.length <= MAX_CHARACTERS) {
    const [, host, repository, tag, digest] = OCI.exec(text) ?? [];
    if (host !== undefined && repository !== undefined && (tag !== undefined || digest !== undefined)) {
      return { kind: 'oci', host: host.toLowerCase(), repository, tag, digest };
    }
    const web = toWebLocation(text);
    if (web !== undefined) return web;
    const [, name, version] = NAMED.exec(text) ?? [];
    if (name !== undefined) return { kind: 'market', name, version };
  }
  throw new RequestError('INVALID_REQUEST', 'The address of the datasource cannot be understood.', {
    remedy:
      'Write it as in oci://HOST/REPOSITORY:TAG, oci://HOST/REPOSITORY@sha256:…, https://HOST/FILE.wasm#sha256:…, or the name of one in a market.',
  });
}

function toWebLocation(text: string): WebLocation | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') return undefined;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) return undefined;
  const digest = url.hash.slice(1);
  url.hash = '';
  return isDigest(digest) ? { kind: 'web', url: url.href, digest } : undefined;
}
