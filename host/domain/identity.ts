import { createHash } from 'node:crypto';

/**
 * Who signs without a key of his own: an identity that an OpenID provider vouched for, as a certificate authority of a sigstore
 * instance wrote it into a certificate.
 */
export interface Identity {
  /** The root whose authorities may say so: another instance could write the same words. */
  root: string;
  /** The provider, letter by letter: `https://token.actions.githubusercontent.com`. */
  issuer: string;
  /** A workflow's URL or an e-mail address; with `match: 'pattern'`, `*` stands for characters other than `/` and `@`. */
  subject: string;
  match: 'exact' | 'pattern';
}

const MAX_CHARACTERS = 1_024;
const PRINTABLE = /^[\x21-\x7e]+$/;
/** Scheme, host and the first piece of the path: who stands there is somebody else for each of them. */
const FIXED_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/*@]+\/[^/*@]+\/[^*]*\*/;
const FIXED_EMAIL = /^[^@/]*\*[^@/]*@[^@/*]+$/;

/** 32 hexadecimal digits that tell it from every other. */
export function identityId({ root, issuer, subject, match }: Identity): string {
  return createHash('sha256')
    .update(JSON.stringify([root, issuer, match, subject]))
    .digest('hex')
    .slice(0, 32);
}

/** Compares the whole text, from its first character to its last. */
export function matchesSubject(subject: string, { subject: expected, match }: Pick<Identity, 'subject' | 'match'>): boolean {
  if (match === 'exact') return subject === expected;
  const pieces = expected
    .split('*')
    .map((piece) => piece.replaceAll(/[^A-Za-z0-9]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`));
  return new RegExp(`^${pieces.join('[^/@]+')}$`, 'u').test(subject);
}

/** What is wrong with an identity that somebody wants to trust, as a field and a sentence; undefined when it can be one. */
export function identityProblem({ issuer, subject, match }: Identity): string | undefined {
  if (issuer.length > MAX_CHARACTERS || !PRINTABLE.test(issuer) || !URL.canParse(issuer) || !/^https?:\/\//.test(issuer)) {
    return 'issuer: It is no URL of a provider, as in https://token.actions.githubusercontent.com.';
  }
  if (subject.length > MAX_CHARACTERS || !PRINTABLE.test(subject))
    return 'subject: It is empty, too long, or has a space or a letter beyond ASCII.';
  if (match === 'exact') return undefined;
  if (!subject.includes('*')) return 'subject: A pattern has a *; without one it is an exact subject.';
  // Several of them in one piece would cost a long time to compare.
  if (/\*[^/@]*\*/.test(subject)) return 'subject: Between two * there must be a / or an @.';
  if (FIXED_URL.test(subject) || FIXED_EMAIL.test(subject)) return undefined;
  return 'subject: A pattern must fix scheme, host and the first piece of the path, as in https://github.com/acme/*, or what stands behind the @.';
}
