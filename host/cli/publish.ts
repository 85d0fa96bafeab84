import type { Command } from 'commander';
import { signDigest } from '../domain/component-signature.ts';
import { BUNDLE_SUFFIX } from '../domain/sigstore.ts';
import { accepted } from '../services/registry/components.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { UsageError } from './exit.ts';
import { readNamedFile } from './files.ts';
import { MAX_READ_BYTES } from './inspect.ts';
import { withServices } from './services.ts';
import { readSignatures, readSigningKey } from './signing-file.ts';

interface PublishOptions extends SharedOptions {
  key?: string;
}

export function publishCommand(cli: Cli): Command {
  return makeCommand('publish', {
    onTheMachine: true,
    summary: 'Put a component into an OCI registry',
    description:
      "Under a tag, in the CNCF's layout of WebAssembly artifacts, with its signatures: FILE.sig or one made with --key, and the sigstore bundle FILE.sigstore.json. Passwords come from the file that LORELAI_REGISTRY_CONFIG names.",
    examples: [
      ['publish dist/github.wasm oci://registry.example.com/acme/github:1.2.0 --key acme.key', 'signs and publishes'],
      ['publish dist/github.wasm oci://localhost:5000/acme/github:1.2.0', 'with the signature in dist/github.wasm.sig'],
    ],
  })
    .argument('<file>', 'a component (.wasm)')
    .argument('<address>', 'oci://HOST/REPOSITORY:TAG')
    .option('--key <file>', 'the key that signs, as `keygen` made it')
    .action(
      action(cli, async (file: string, address: string, options: PublishOptions) =>
        withServices(cli.io, options, (services) => publish(services, { file, address, keyFile: options.key })),
      ),
    );
}

async function publish(
  { registry, sources }: Services,
  { file, address, keyFile }: { file: string; address: string; keyFile: string | undefined },
): Promise<Outcome> {
  const bytes = await readNamedFile(file, { maxBytes: MAX_READ_BYTES });
  const report = accepted(await registry.inspect(bytes));
  const { digest, imports, exports, manifest } = report;
  const key = keyFile === undefined ? undefined : await readSigningKey(keyFile);
  const beside = await readSignatures(file);
  const signature = key === undefined ? beside.signature : signDigest(digest, key, Date.now());
  const { bundle } = beside;
  if (signature === undefined && bundle === undefined)
    throw new UsageError(
      'Nothing is published without a signature.',
      `Give --key, make ${file}.sig with \`datasources sign\`, or ${file}${BUNDLE_SUFFIX} with \`cosign sign-blob\`.`,
    );
  const annotations = {
    'org.opencontainers.image.title': manifest?.name ?? '',
    'org.opencontainers.image.version': manifest?.version ?? '',
  };
  const artifact = await sources.publish(address, { bytes, imports, exports, annotations, signature, bundle });
  const pinned = `${address.replace(/:[^:/]*$/, '')}@${artifact}`;
  return {
    json: { address, artifact, digest, pinned },
    text: [`Published ${manifest?.name ?? ''} ${manifest?.version ?? ''} as ${address}.`, `  ${pinned}`, `  component ${digest}`].join(
      '\n',
    ),
  };
}
