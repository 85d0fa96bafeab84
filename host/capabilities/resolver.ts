import { type LookupAddress, lookup } from 'node:dns';
import { promisify } from 'node:util';

/** All addresses of a name; rejects as `dns.lookup` does. */
export type ResolveName = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface ResolverOptions {
  /** How long an answer holds. */
  ttlMs: number;
  /** Names that are remembered; the one that was asked first makes way. */
  maxNames: number;
  resolve: ResolveName;
  nowMs(): number;
}

const askSystem = promisify(lookup);

/**
 * Half a minute is what resolvers of the system and of clouds keep at least, and short enough for a source that moves. The
 * names of one connection are few; a wildcard lets a datasource ask for as many as it likes.
 */
const DEFAULTS: ResolverOptions = {
  ttlMs: 30_000,
  maxNames: 64,
  resolve: (hostname) => askSystem(hostname, { all: true }),
  nowMs: () => performance.now(),
};

interface Remembered {
  addresses: Promise<readonly LookupAddress[]>;
  untilMs: number;
}

/**
 * Resolves names and remembers the answers for a while, those under way included: a hundred requests at once are one
 * question. Failures are not remembered. What it gives is not checked: whoever dials does that, each time.
 */
export function createResolver(options: Partial<ResolverOptions> = {}): ResolveName {
  const { ttlMs, maxNames, resolve, nowMs } = { ...DEFAULTS, ...options };
  const known = new Map<string, Remembered>();
  return (hostname) => {
    const found = known.get(hostname);
    if (found !== undefined && found.untilMs > nowMs()) return found.addresses;
    const addresses = resolve(hostname);
    const remembered = { addresses, untilMs: nowMs() + ttlMs };
    known.delete(hostname);
    known.set(hostname, remembered);
    addresses.catch(() => {
      if (known.get(hostname) === remembered) known.delete(hostname);
    });
    const [oldest] = known.keys();
    if (known.size > maxNames && oldest !== undefined) known.delete(oldest);
    return addresses;
  };
}
