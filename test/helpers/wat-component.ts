import { join } from 'node:path';
import { componentEmbed, componentNew, parse, print } from '@bytecodealliance/jco';
import { appendCustomSection } from '../../host/authoring/custom-section.ts';
import { MANIFEST_SECTION } from '../../host/domain/manifest.ts';

const WIT_FOLDER = join(import.meta.dirname, '../../wit');

/** The smallest manifest that is one. */
export const SMALL_MANIFEST = `name: small
version: 1.0.0
author: Lorelai
description: Does nothing.
framework_version: ">=1.0.0,<2.0.0"
features:
  items: {}
`;

/**
 * A component of the released contract, all of whose functions trap, as a hand would write it:
 * `edit` changes the text of its core module before it is put together.
 */
export async function watComponent(edit: (wat: string) => string = (wat) => wat, world = 'datasource-core'): Promise<Uint8Array> {
  const dummy = await componentEmbed({ dummy: true, witPath: WIT_FOLDER, world });
  return componentNew(await parse(edit(await print(dummy))));
}

/** The same with a manifest inside: what `inspect` accepts. */
export async function watDatasource(
  edit?: (wat: string) => string,
  { world, manifest = SMALL_MANIFEST }: { world?: string; manifest?: string } = {},
): Promise<Uint8Array> {
  return appendCustomSection(await watComponent(edit, world), MANIFEST_SECTION, Buffer.from(manifest));
}
