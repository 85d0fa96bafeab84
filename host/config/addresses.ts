import { isLoopbackHost } from '../domain/loopback.ts';
import { SettingFault } from './setting-fault.ts';

/** The address of a host for its command line. Without TLS only on this machine: the key goes with every request. */
export function toHostUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const bare = url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url === null || !bare || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new SettingFault('It is not the address of a host.', 'Write scheme, host and port, as in https://datasources.example.com.');
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    throw new SettingFault('The key would be sent in the clear.', 'Use https://, or http:// with a loopback address.');
  return url.origin;
}

/** A host name or an IP address, in small letters and without brackets. */
export function toHost(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (!/^[a-z0-9.:_-]{1,253}$/.test(bare))
    throw new SettingFault(
      'It is not a host name or an IP address.',
      'Set it to an address such as 127.0.0.1, without a scheme or a port.',
    );
  return bare;
}

/** Several of them, with commas between. */
export function toHosts(text: string): readonly string[] {
  return Object.freeze(text === '' ? [] : text.split(',').map((name) => toHost(name.trim())));
}

/** An https address, or an http one of this machine, without a slash at the end; undefined when empty. */
export function toPublicUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === undefined || !plain || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))) {
    throw new SettingFault(
      'It is not an https address without a query; http is for loopback only.',
      'Set it to an address such as https://datasources.example.com.',
    );
  }
  return url.href.replace(/\/+$/, '');
}
