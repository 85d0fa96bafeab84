import type { Read } from './reading.ts';
import type { NotifySettings } from '../domain/notify-settings.ts';
import { SettingFault } from './setting-fault.ts';

const MIN_KEY_CHARACTERS = 32;

/** Where notifications go; undefined when nobody is to be told. */
function toNotifyUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '';
  if (plain) return url.href;
  throw new SettingFault(
    'It is no address of http or https without a password.',
    'Write it as in https://lorelai.example.com/notifications.',
  );
}

/** `SettingFault` when there is an address and no key that is worth the name. */
function toNotifySettings(url: string | undefined, key: string): NotifySettings | undefined {
  if (url === undefined) return undefined;
  if (key.length >= MIN_KEY_CHARACTERS) return Object.freeze({ url, key });
  throw new SettingFault(
    `Notifications would be signed with a key of fewer than ${MIN_KEY_CHARACTERS} characters.`,
    'Make one with: openssl rand -base64 32',
  );
}

/** Who is told of runs that have ended; undefined without an address. */
export function readNotify(read: Read): NotifySettings | undefined {
  const url = read('LORELAI_NOTIFY_URL', toNotifyUrl);
  return read('LORELAI_NOTIFY_KEY', (key) => toNotifySettings(url, key));
}
