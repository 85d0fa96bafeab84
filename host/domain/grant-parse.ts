import { isIP } from 'node:net';
import { type Problem, RequestError } from './errors.ts';
import type { Grant } from './grant.ts';
import { isJsonObject } from './json.ts';
import { isLimitName, isLimitValue, LIMIT_NAMES, LIMITS, type Limits } from './limits.ts';
import { originOf, parseOriginPattern } from './origin-pattern.ts';

const KEYS = ['http', 'authorisation', 'storage', 'limits'];
const HTTP_KEYS = ['origins', 'privateNetworks'];

/**
 * Checks a grant. INVALID_GRANT with one problem for each entry that means nothing here: what is not
 * enforced does not parse.
 */
export function parseGrant(value: unknown): Grant {
  const problems: Problem[] = [];
  const grant = objectAt(value, '', KEYS, problems);
  const http = objectAt(grant.http ?? {}, '/http', HTTP_KEYS, problems);
  const origins = listAt(http.origins, '/http/origins', problems);
  origins.forEach((origin, index) => {
    if (parseOriginPattern(origin) === undefined) {
      problems.push({
        path: `/http/origins/${index}`,
        reason: `"${origin}" is not an origin.`,
        remedy: 'Write scheme, host and port, as in https://api.example.com or https://*.example.com.',
      });
    }
  });
  const privateNetworks = listAt(http.privateNetworks, '/http/privateNetworks', problems);
  privateNetworks.forEach((block, index) => {
    if (!isCidr(block))
      problems.push({
        path: `/http/privateNetworks/${index}`,
        reason: `"${block}" is not a CIDR block.`,
        remedy: 'Write an address and a prefix length, as in 10.1.0.0/16.',
      });
  });
  const secretsTo = exactOriginsAt(grant.authorisation ?? {}, problems);
  const limits = limitsAt(grant.limits ?? {}, problems);
  const storage = grant.storage ?? false;
  if (typeof storage !== 'boolean')
    problems.push({ path: '/storage', reason: 'It is neither true nor false.', remedy: 'Set it to true or false.' });
  const [first] = problems;
  if (first !== undefined)
    throw new RequestError('INVALID_GRANT', `The grant cannot be used: ${first.path}: ${first.reason}`, { remedy: first.remedy, problems });
  const authorisation = secretsTo.length === 0 ? {} : { authorisation: { origins: secretsTo } };
  return { http: { origins, privateNetworks }, ...authorisation, storage: storage === true, limits };
}

function objectAt(value: unknown, path: string, keys: readonly string[], problems: Problem[]): Record<string, unknown> {
  if (!isJsonObject(value)) {
    problems.push({ path, reason: 'It is not an object.', remedy: `Give an object with ${keys.join(', ')}.` });
    return {};
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      problems.push({ path: `${path}/${key}`, reason: 'A grant has no such entry.', remedy: `Use ${keys.join(', ')}.` });
  }
  return value;
}

function listAt(value: unknown, path: string, problems: Problem[]): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  problems.push({ path, reason: 'It is not a list of texts.', remedy: 'Give a list.' });
  return [];
}

/** Secrets go to places that were named letter by letter. */
function exactOriginsAt(value: unknown, problems: Problem[]): string[] {
  const path = '/authorisation';
  const origins = listAt(objectAt(value, path, ['origins'], problems).origins, `${path}/origins`, problems);
  origins.forEach((origin, index) => {
    const pattern = parseOriginPattern(origin);
    if (pattern === undefined || pattern.wildcard || originOf(origin) !== origin) {
      problems.push({
        path: `${path}/origins/${index}`,
        reason: `"${origin}" is not one exact origin.`,
        remedy: 'Write scheme, host and port, as in https://login.example.com.',
      });
    }
  });
  return origins;
}

function isCidr(block: string): boolean {
  const [address = '', prefix = '', rest] = block.split('/');
  // A zone (`fe80::1%eth0`) names an interface of one machine, not a network.
  const family = address.includes('%') ? 0 : isIP(address);
  return family !== 0 && rest === undefined && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

function limitsAt(value: unknown, problems: Problem[]): Partial<Limits> {
  const limits: Partial<Limits> = {};
  for (const [key, limit] of Object.entries(objectAt(value, '/limits', LIMIT_NAMES, problems))) {
    if (!isLimitName(key)) continue;
    if (isLimitValue(key, limit)) {
      limits[key] = limit;
      continue;
    }
    const { least, most, default: standard } = LIMITS[key];
    problems.push({
      path: `/limits/${key}`,
      reason: `It is not a whole number from ${least} to ${most}.`,
      remedy: `Set such a number, or leave it out for the default of ${standard}.`,
    });
  }
  return limits;
}
