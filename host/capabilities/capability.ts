import type { Connection } from '../domain/connection.ts';
import type { Grant } from '../domain/grant.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Meter } from '../domain/meter.ts';

/** A value that goes to a guest as the answer to one of its host calls. */
export type GuestValue =
  | null
  | undefined
  | boolean
  | number
  | string
  | Uint8Array
  | readonly GuestValue[]
  | { readonly [key: string]: GuestValue };

/** What a guest's host call came to: the value, or the payload of the function's WIT error. */
export type Answer = { ok: true; value: GuestValue } | { ok: false; error: GuestValue };

/** One call of one connection, as a power sees it. */
export interface CallScope {
  connection: Pick<Connection, 'id' | 'config'>;
  manifest: Manifest;
  grant: Grant;
  /** Charged for whatever a power does, before it is done. */
  meter: Meter;
  signal: AbortSignal;
}

/**
 * A power that is open for one call: its functions by WIT name. One that answers gives a promise;
 * one that does not (log, metrics) gives undefined. Arguments are the guest's and unchecked.
 */
export type OpenCapability = Record<string, (args: unknown[]) => Promise<Answer> | undefined>;

/** Text of a guest, fit for a log or a terminal: control characters are replaced, what is too long or no text is cut. */
export function plainText(value: unknown, maxLength: number): string {
  // A forged value may not even have a way to become text.
  const text = typeof value === 'string' ? value : `(${typeof value})`;
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.slice(0, maxLength).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, '\uFFFD');
}

export function succeeded(value?: GuestValue): Answer {
  return { ok: true, value };
}

export function refused(tag: string, val?: GuestValue): Answer {
  return { ok: false, error: val === undefined ? { tag } : { tag, val } };
}
