/**
 * What a run does. `content`: reads documents. `prune`: removes documents that the source no longer lists. `access`: reads who
 * is in which group. `retry`: takes up again what the host itself could not use of what it was given. `receive`: gives the datasource
 * what its source delivered by itself.
 */
export const RUN_KINDS = ['content', 'prune', 'access', 'retry', 'receive'] as const;

export type RunKind = (typeof RUN_KINDS)[number];

/** The kinds that come by themselves, each on a schedule of its own. */
export const SCHEDULED_KINDS = ['content', 'prune', 'access'] as const satisfies readonly RunKind[];

export type ScheduledKind = (typeof SCHEDULED_KINDS)[number];

/** What made a run begin. */
export const RUN_STARTERS = ['request', 'schedule', 'delivery'] as const;

export type RunStarter = (typeof RUN_STARTERS)[number];

/**
 * `queued`, `running` and `parked` (until its time has come) are active. `held` waits for an operator. The others are final;
 * `partial` ended with some of it done and some not.
 */
export const RUN_STATES = ['queued', 'running', 'parked', 'held', 'succeeded', 'partial', 'failed', 'cancelled'] as const;

export type RunState = (typeof RUN_STATES)[number];

export const FEATURE_STATES = ['pending', 'running', 'held', 'done', 'failed', 'skipped'] as const;

export type FeatureState = (typeof FEATURE_STATES)[number];

/** The one stream of an access run, in the place of a feature. */
export const GROUPS_STREAM = 'groups';

/** The one stream of a run that receives, in the place of a feature. */
export const DELIVERIES_STREAM = 'deliveries';
