import { RequestError, type ErrorCode } from '../../domain/errors.ts';
import { likeness, lookAlike, NAME_PATTERN, PUBLISHER, type KnownName, type TrustedSigner } from '../../domain/trust.ts';
import { ExpectationError, type Database } from '../../store/database.ts';
import { listIdentities } from '../../store/trusted-identities.ts';
import { listTrustedKeys } from '../../store/trusted-keys.ts';
import { listAllVersions } from '../../store/versions.ts';

/** What the host knows by name, with who vouches for it: a signature of any version that is not removed counts. */
export async function knownNames(database: Database): Promise<KnownName[]> {
  const names = new Map<string, string | undefined>();
  for (const { name, trust } of await listAllVersions(database)) names.set(name, names.get(name) ?? publisherOf(trust));
  return [...names].map(([name, publisher]) => ({ name, publisher }));
}

function publisherOf(trust: unknown): string | undefined {
  return typeof trust === 'object' && trust !== null && 'publisher' in trust && typeof trust.publisher === 'string'
    ? trust.publisher
    : undefined;
}

/** INVALID_REQUEST unless these can be the name of a publisher, and names that somebody is trusted for. */
export function refuseMalformed(publisher: string, names: readonly string[]): void {
  if (!PUBLISHER.test(publisher)) {
    throw new RequestError(
      'INVALID_REQUEST',
      'publisher: It has characters other than a-z, 0-9, dot, hyphen and underscore, or is too long.',
      {
        remedy: 'Use a short word, as in acme.',
      },
    );
  }
  const bad = names.find((name) => !NAME_PATTERN.test(name));
  if (bad === undefined && names.length > 0 && names.length <= 100) return;
  throw new RequestError(
    'INVALID_REQUEST',
    `names: ${bad === undefined ? 'There must be 1 to 100.' : `${JSON.stringify(bad.slice(0, 80))} can be no name.`}`,
    {
      remedy: 'Name datasources as in github, all that begin alike as in acme_*, or * for every name.',
    },
  );
}

/**
 * LOOK_ALIKE_NAME when one of these could be taken for a name of somebody else.
 * @param wanted `proof`: the options of `trust add` that say who it is.
 */
export async function refuseLikeness(
  database: Database,
  { publisher, names, proof }: { publisher: string; names: readonly string[]; proof: string },
): Promise<void> {
  const around = { signers: await trustedSigners(database), installed: await knownNames(database) };
  for (const name of names) {
    const taken = name.endsWith('*') ? undefined : likeness(name, publisher, around);
    if (taken !== undefined) throw lookAlike(name, taken, `datasources trust add ${publisher} ${proof} --name ${name} --allow-look-alike`);
  }
}

/** Everybody whom the operator believes, by whatever proof. */
export async function trustedSigners(database: Database): Promise<TrustedSigner[]> {
  return [...(await listTrustedKeys(database)), ...(await listIdentities(database))];
}

interface Refusal {
  code: ErrorCode;
  message: string;
  remedy: string;
}

/** Tells what it means when the state that a change rests on is not there. */
export async function expected(work: () => Promise<unknown>, { code, message, remedy }: Refusal): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof ExpectationError)) throw cause;
    throw new RequestError(code, message, { remedy, cause });
  }
}
