import type { Limits } from './limits.ts';

/** What an operator allowed one installed datasource to use. What is not in it is denied. */
export interface Grant {
  http: {
    /** `https://api.github.com`, `https://*.example.com` (one or more labels below), `http://127.0.0.1:4001`. */
    origins: string[];
    /** CIDR blocks of non-public addresses that may be dialled: `10.1.0.0/16`. */
    privateNetworks: string[];
  };
  /** Exact origins that the host may send client secrets and tokens of it to, when it obtains them. None when left out. */
  authorisation?: { origins: string[] };
  /** Whether it may keep values in the collections that its manifest declares. */
  storage: boolean;
  limits: Partial<Limits>;
}

/** Nothing but the right to be called, to log and to count. */
export const EMPTY_GRANT: Readonly<Grant> = Object.freeze({
  http: { origins: [], privateNetworks: [] },
  storage: false,
  limits: {},
});
