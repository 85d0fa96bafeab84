import { type Answer, type CallScope, type GuestValue, type OpenCapability, refused } from './capability.ts';
import type { Egress } from './egress.ts';
import { openHttpClient } from './http-client.ts';
import { openLog, type WriteLine } from './log.ts';
import { type MetricChange, MetricsCapability } from './metrics.ts';
import type { RequestRate } from './request-rate.ts';
import type { UpstreamBudget } from './upstream-budget.ts';
import { StorageCapability, type StorageWrite, type StoredCollections } from './storage.ts';

/** What the powers of a call stand on. */
export interface PowerSources {
  egress: Pick<Egress, 'send'>;
  rate: RequestRate;
  /** What the sources themselves allow; none where nobody shares it. */
  budget?: UpstreamBudget;
  stored: StoredCollections;
  writeLine: WriteLine;
  /** Hears of every answer that is an error: what was denied, refused or failed. The guest gets it when this has resolved. */
  onRefused?: (name: string, func: string, error: GuestValue) => void | Promise<void>;
}

/** All that one call may ask of the host, by interface name. */
export interface OpenPowers {
  /** `undefined` for a function without an answer; a `denied` answer for one that does not exist. */
  handle(name: string, func: string, args: unknown[]): Promise<Answer> | undefined;
  /** For the transaction of the call's batch. */
  storageWrites(): StorageWrite[];
  metricChanges(): MetricChange[];
}

/** Opens every power for one call. A new power is one file beside this one and one line here. */
export function openPowers(scope: CallScope, sources: PowerSources): OpenPowers {
  const storage = new StorageCapability(scope, sources.stored);
  const metrics = new MetricsCapability(scope);
  const powers = new Map<string, OpenCapability>([
    ['http-client', openHttpClient(scope, sources.egress, sources.rate, sources.budget)],
    ['storage', storage.open()],
    ['log', openLog(scope, sources.writeLine)],
    ['metrics', metrics.open()],
  ]);
  return {
    handle(name, func, args) {
      const open = powers.get(name);
      // A forged message must not reach what every object inherits.
      const exists = open !== undefined && Object.hasOwn(open, func);
      const answering = exists ? open[func]?.(args) : Promise.resolve(refused('denied', `${name}.${func} does not exist`));
      return answering?.then(async (answer) => {
        if (!answer.ok) await sources.onRefused?.(name, func, answer.error);
        return answer;
      });
    },
    storageWrites: () => storage.writes(),
    metricChanges: () => metrics.changes(),
  };
}
