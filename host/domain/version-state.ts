/**
 * The life of one version of a datasource. `discovered`: its file was found. `inspected`: it was judged and described itself.
 * `awaiting-approval`: it asks for more than was given; the version before it keeps running. `upgrading`: a host is checking
 * it before the switch. `installed`: kept beside the one that runs, and could be switched to. `enabled`: it runs. `disabled`:
 * it would run, and an operator has switched it off. `removed`: its file is gone.
 */
export const VERSION_STATES = [
  'discovered',
  'inspected',
  'awaiting-approval',
  'upgrading',
  'installed',
  'enabled',
  'disabled',
  'removed',
] as const;

export type VersionState = (typeof VERSION_STATES)[number];

/** Which states may follow. Whatever is not here cannot happen: the store refuses it. */
const FOLLOWING: Readonly<Record<VersionState, readonly VersionState[]>> = {
  discovered: ['inspected', 'removed'],
  inspected: ['awaiting-approval', 'upgrading', 'enabled', 'disabled', 'removed'],
  'awaiting-approval': ['upgrading', 'enabled', 'disabled', 'inspected', 'removed'],
  // Back to where it was when the check fails, or the host that did it is gone.
  upgrading: ['enabled', 'disabled', 'inspected', 'installed', 'awaiting-approval', 'removed'],
  installed: ['enabled', 'disabled', 'upgrading', 'awaiting-approval', 'removed'],
  enabled: ['disabled', 'installed', 'enabled', 'removed'],
  disabled: ['enabled', 'installed', 'removed'],
  // The same file may come again.
  removed: ['discovered', 'inspected'],
};

export function mayFollow(from: VersionState | undefined, to: VersionState): boolean {
  return from === undefined ? to === 'discovered' || to === 'inspected' : FOLLOWING[from].includes(to);
}
