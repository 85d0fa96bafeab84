import { isIPv4 } from 'node:net';
import { SettingFault } from './setting-fault.ts';

/** The address of a host for its command line. Without TLS only on this machine: the key goes with every request. */
export function toHostUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const bare = url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url === null || !bare || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new SettingFault('It is not the address of a host.', 'Write scheme, host and port, as in https://datasources.example.com.');
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new SettingFault('The key would be sent in the clear.', 'Use https://, or http:// with a loopback address.');
  return url.origin;
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'));
}
