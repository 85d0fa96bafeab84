const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Requests per minute of each connection, over all its calls: a token bucket that holds one minute's worth and fills
 * evenly. One for a host, so that a call which ends and begins again finds the bucket as it left it.
 */
export class RequestRate {
  readonly #buckets = new Map<string, Bucket>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Takes one request; when there is none left, the milliseconds until there is. */
  take(connection: string, perMinute: number): number {
    const nowMs = this.#nowMs();
    const before = this.#buckets.get(connection) ?? { tokens: perMinute, atMs: nowMs };
    const tokens = Math.min(perMinute, before.tokens + ((nowMs - before.atMs) * perMinute) / MINUTE_MS);
    if (tokens < 1) return Math.ceil(((1 - tokens) * MINUTE_MS) / perMinute);
    // The most recent at the end, so that those that are full again are found at the front.
    this.#buckets.delete(connection);
    this.#buckets.set(connection, { tokens: tokens - 1, atMs: nowMs });
    this.#forgetFull(nowMs);
    return 0;
  }

  /** After a minute without a request a bucket is full, which is what no bucket means. */
  #forgetFull(nowMs: number): void {
    for (const [connection, { atMs }] of this.#buckets) {
      if (nowMs - atMs < MINUTE_MS) return;
      this.#buckets.delete(connection);
    }
  }
}
