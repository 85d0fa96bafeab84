import { createHash } from 'node:crypto';
import type { Actor } from '../../domain/caller.ts';
import { parseJson } from '../../domain/envelope.ts';
import { RequestError } from '../../domain/errors.ts';
import { identityId, identityProblem, type Identity } from '../../domain/identity.ts';
import { isJsonObject } from '../../domain/json.ts';
import { endedAuthorities, lackOf, MAX_ROOT_BYTES, MAX_ROOTS, MAX_WITNESSES, ROOT_NAME, type Witnesses } from '../../domain/sigstore.ts';
import type { BundleJudge } from '../../sandbox/bundle-judge.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { deleteRoot, listRoots, putRoot, type StoredRoot } from '../../store/sigstore-roots.ts';
import { deleteIdentity, listIdentities, putIdentity } from '../../store/trusted-identities.ts';
import type { BelievedRoot, IdentityInput, RootInput, SigstoreService } from './source-services.ts';
import { expected, refuseLikeness, refuseMalformed } from './trust-rules.ts';

export interface SigstoreOptions {
  database: Database;
  judge: Pick<BundleJudge, 'readRoot'>;
}

const ROOT_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.[12]|\.v0\.2\+json)$/;

/** As the log of changes names them, and their state: all of a kind, for there is no address of one. */
const ROOTS = 'sigstore-roots';
const IDENTITIES = 'trusted-identities';

export function createSigstore({ database, judge }: SigstoreOptions): SigstoreService {
  return {
    roots: async () => (await listRoots(database)).map(toBelieved),

    async putRoot(input, actor) {
      refuseMalformedRoot(input);
      const { name, text, witnesses } = input;
      const reading = await judge.readRoot(text);
      if (!reading.ok) throw invalidRoot(reading.reason);
      const { authorities } = reading;
      const lack = lackOf(authorities, witnesses);
      if (lack !== undefined) throw invalidRoot(`${lack}, so that it could prove nothing of what is asked of it`);
      const root = { name, text, digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, witnesses, authorities };
      const nowMs = Date.now();
      const shown = { name, digest: root.digest, witnesses };
      await expected(
        () => putRoot(recording(database, { ...changeOf(actor, ROOTS), action: 'trust.put-root', after: shown }), root, nowMs),
        {
          code: 'CONFLICT',
          message: `There are ${MAX_ROOTS} sigstore roots, and no more may be.`,
          remedy: 'Remove one that nobody uses: `datasources trust remove-root`.',
        },
      );
      return toBelieved({ ...root, addedAtMs: nowMs });
    },

    async removeRoot(name, actor) {
      await expected(
        () =>
          deleteRoot(
            recording(database, { ...changeOf(actor, ROOTS), action: 'trust.remove-root', before: { name: name.slice(0, 64) } }),
            name,
          ),
        unknownRoot(),
      );
    },

    identities: () => listIdentities(database),

    async addIdentity(input, actor) {
      await refuseMalformedIdentity(database, input);
      const { publisher, names, root, issuer, subject, match } = input;
      const identity = { root, issuer, subject, match };
      const trusted = { publisher, identity, names: [...new Set(names)] };
      const nowMs = Date.now();
      const change = {
        ...changeOf(actor, IDENTITIES),
        action: 'trust.add',
        after: { id: identityId(identity), publisher, ...identity, names: trusted.names },
      } as const;
      let id = '';
      await expected(async () => (id = await putIdentity(recording(database, change), trusted, nowMs)), {
        code: 'CONFLICT',
        message: 'The identity is trusted as that of another publisher.',
        remedy: 'See whose it is with `datasources trust list`; remove it there first.',
      });
      return { ...trusted, id, addedAtMs: nowMs };
    },

    async removeIdentity(id, actor) {
      const change = { ...changeOf(actor, IDENTITIES), action: 'trust.remove', before: { id: id.slice(0, 64) } } as const;
      await expected(() => deleteIdentity(recording(database, change), id), {
        code: 'UNKNOWN_IDENTITY',
        message: 'No identity with this id is trusted.',
        remedy: 'See the ids with `datasources trust list`.',
      });
    },
  };
}

function changeOf(actor: Actor, target: string): { actor: Actor; organisation: undefined; target: string } {
  return { actor, organisation: undefined, target };
}

function toBelieved(root: StoredRoot): BelievedRoot {
  return { ...root, ended: endedAuthorities(root.authorities, Date.now()) };
}

/** INVALID_REQUEST, INVALID_SIGSTORE_ROOT: what is seen without reading what is in it. */
function refuseMalformedRoot({ name, text, witnesses }: RootInput): void {
  if (!ROOT_NAME.test(name))
    throw invalid(
      'name: It has characters other than a-z, 0-9, dot, hyphen and underscore, or is too long.',
      'Use a short word, as in sigstore.',
    );
  const wrong = witnessProblem(witnesses);
  if (wrong !== undefined) throw invalid(`witnesses: ${wrong}`, 'Leave them out for one log entry, one timestamp and one certificate log.');
  if (Buffer.byteLength(text) > MAX_ROOT_BYTES) throw invalidRoot(`it has more than ${MAX_ROOT_BYTES} bytes`);
  const value = parseJson(text);
  const mediaType = isJsonObject(value) ? value.mediaType : undefined;
  if (typeof mediaType !== 'string' || !ROOT_TYPE.test(mediaType)) throw invalidRoot('its mediaType is not that of a trusted root');
}

function witnessProblem(witnesses: Witnesses): string | undefined {
  const counts = Object.values(witnesses);
  if (counts.some((count) => !Number.isSafeInteger(count) || count < 0 || count > MAX_WITNESSES))
    return `Each is a whole number from 0 to ${MAX_WITNESSES}.`;
  return witnesses.timestamps < 1 ? 'At least one must say when something was signed: certificates live for minutes.' : undefined;
}

/** INVALID_REQUEST, UNKNOWN_SIGSTORE_ROOT, LOOK_ALIKE_NAME. */
async function refuseMalformedIdentity(database: Database, input: IdentityInput): Promise<void> {
  const { publisher, names, allowLookAlike = false } = input;
  refuseMalformed(publisher, names);
  const problem = identityProblem(input);
  if (problem !== undefined) throw invalid(problem, 'Write it as the certificate has it: `cosign` and CI logs show both.');
  if (!(await listRoots(database)).some(({ name }) => name === input.root)) {
    const { code, message, remedy } = unknownRoot();
    throw new RequestError(code, message, { remedy });
  }
  if (!allowLookAlike) await refuseLikeness(database, { publisher, names, proof: proofOf(input) });
}

function proofOf({ issuer, subject, match }: Identity): string {
  return `--issuer ${issuer} --subject${match === 'pattern' ? '-pattern' : ''} '${subject}'`;
}

function unknownRoot(): { code: 'UNKNOWN_SIGSTORE_ROOT'; message: string; remedy: string } {
  return {
    code: 'UNKNOWN_SIGSTORE_ROOT',
    message: 'There is no sigstore root of this name.',
    remedy: 'See those that are with `datasources trust list`; add one with `datasources trust add-root NAME FILE`.',
  };
}

function invalid(message: string, remedy: string): RequestError {
  return new RequestError('INVALID_REQUEST', message, { remedy });
}

function invalidRoot(reason: string): RequestError {
  return new RequestError('INVALID_SIGSTORE_ROOT', `The sigstore root cannot be used: ${reason}.`, {
    remedy: 'Take the file trusted_root.json of the instance, whole: the public one gives it over TUF, as `cosign` fetches it.',
  });
}
