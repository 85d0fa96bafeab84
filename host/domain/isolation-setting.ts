/** What an operator may ask for; `auto` takes the strongest that works on this machine. */
export const ISOLATION_SETTINGS = ['auto', 'process', 'namespace'] as const;

export type IsolationSetting = (typeof ISOLATION_SETTINGS)[number];
