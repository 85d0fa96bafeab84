import type { Problem } from '@lorelai/datasource-sdk';
import type { Refusal } from './client.ts';

/** A refusal as the operator should read it. `path` names the repository, or the item in it. */
export function toProblem(refusal: Refusal, path: string): Problem {
  return { path, reason: `${reasonOf(refusal)}: ${refusal.message}.`, remedy: remedyOf(refusal) };
}

function reasonOf({ status, ssoUrl }: Refusal): string {
  if (ssoUrl !== undefined) return 'The organisation asks for single sign-on, and the credential is not authorised for it';
  if (status === 404 || status === 410) return 'GitHub has nothing there that the credential may see';
  if (status === 451) return 'GitHub took it down for legal reasons';
  if (status === 403) return 'The credential may not read it';
  return `GitHub refused with status ${status}`;
}

function remedyOf({ status, ssoUrl }: Refusal): string {
  if (ssoUrl !== undefined) return `Authorise the credential for the organisation at ${ssoUrl}.`;
  if (status === 404 || status === 410) return 'Correct the name, or give the credential access to it.';
  if (status === 451) return 'Remove it from the connection.';
  if (status === 403) return 'Give the credential read access to contents, issues and pull requests, or leave the repository out.';
  return 'Look at GitHub whether it can be read there; the next run tries again.';
}
