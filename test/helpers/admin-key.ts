import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../host/make-folder.ts';
import { toKeyText } from '../../host/domain/key-text.ts';

/** The key with which tests call hosts that run in processes of their own. */
export const ADMIN_KEY = toKeyText(new Uint8Array(32).fill(7));

/** What a host is started with so that it takes the key. */
export async function adminKeyEnv(dataDir: string): Promise<{ LORELAI_ADMIN_KEY_FILE: string }> {
  await makeFolder(dataDir);
  const file = join(dataDir, 'test-admin.key');
  await writeFile(file, `${ADMIN_KEY}\n`, { mode: 0o600 });
  return { LORELAI_ADMIN_KEY_FILE: file };
}
