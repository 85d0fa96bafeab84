/**
 * The command line of bubblewrap (`bwrap`), which puts a process into namespaces of its own: it sees no process but
 * itself, no network but a loopback of its own, no file but those named here, and is a user without any power.
 *
 * Options: https://manpages.debian.org/bookworm/bubblewrap/bwrap.1.en.html
 */

/** The wrapper writes there which process it made. */
export const PID_FD = 4;
/** The wrapper reads the seccomp filter there. */
export const FILTER_FD = 5;
/** `nobody` on every Linux; inside, no other user exists. */
const NOBODY = '65534';

export interface NamespaceOptions {
  /** Absolute paths that exist inside, under the same names, read-only. A folder comes with all that is in it. */
  readable: readonly string[];
  /** Whether a seccomp filter comes over `FILTER_FD`. */
  filtered: boolean;
}

/** What goes between `bwrap` and `--`. */
export function namespaceArguments({ readable, filtered }: NamespaceOptions): string[] {
  return [
    ...['--unshare-user', '--uid', NOBODY, '--gid', NOBODY],
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    ...['--unshare-uts', '--hostname', 'sandbox'],
    '--unshare-cgroup-try',
    ...['--cap-drop', 'ALL'],
    // It dies with the host, and everything inside with it, because it is the first process there.
    ...['--die-with-parent', '--as-pid-1', '--new-session'],
    // Neither /proc nor /dev nor /etc: Node needs none of them.
    ...readable.flatMap((path) => ['--ro-bind', path, path]),
    ...['--remount-ro', '/', '--chdir', '/'],
    ...['--info-fd', String(PID_FD)],
    ...(filtered ? ['--seccomp', String(FILTER_FD)] : []),
  ];
}
