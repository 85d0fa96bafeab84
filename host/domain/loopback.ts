import { isIPv4 } from 'node:net';

/** Whether a host name means this machine and no other: `localhost`, `127.*`, `::1`; brackets are allowed. A name such as 127.example.com does not. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}
