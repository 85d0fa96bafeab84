import type { Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { recording } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { listVariables, writeVariables } from '../../store/variables.ts';
import type { Vault } from './credentials.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import type { OrganisationService } from '../people/organisation-service.ts';
import type { Variable, VariableService } from './variable-service.ts';

/** The service with what only the host itself may ask. */
export interface Variables extends VariableService {
  /** Every value that counts for an organisation, by name: its own before those of the host. CREDENTIAL_MISSING when one does not open. */
  values(organisation: string, datasource: string): Promise<Map<string, string>>;
}

export interface VariableOptions {
  database: Database;
  vault: Vault;
  registry: Pick<DatasourceRegistry, 'get'>;
  organisations: OrganisationService;
}

const ALL_OF_THE_HOST = '';

/** Values of a manifest's `env_vars`: client ids and secrets, keys of apps. Sealed, write-only, for the host alone. */
export function createVariables({ database, vault, registry, organisations }: VariableOptions): Variables {
  async function list(organisation: string | undefined, datasource: string): Promise<Variable[]> {
    const { manifest } = await registry.get(datasource);
    if (organisation !== undefined) await organisations.get(organisation);
    const stored = await listVariables(database, organisation ?? ALL_OF_THE_HOST, datasource);
    return manifest.envVars.map(({ name, description }) => {
      const own =
        organisation === undefined ? undefined : stored.find((found) => found.name === name && found.organisation === organisation);
      const found = own ?? stored.find((candidate) => candidate.name === name && candidate.organisation === ALL_OF_THE_HOST);
      return {
        name,
        description,
        setFor: found === undefined ? undefined : own === undefined ? 'host' : 'organisation',
        updatedAtMs: found?.updatedAtMs,
      };
    });
  }

  return {
    list,
    async set(organisation, datasource, values, actor) {
      const { manifest } = await registry.get(datasource);
      if (organisation !== undefined) await organisations.get(organisation);
      for (const name of Object.keys(values)) checkKnown(manifest, name);
      const owner = organisation ?? ALL_OF_THE_HOST;
      const sealed = Object.entries(values).map(async ([name, value]) => ({
        name,
        sealed: value === null ? undefined : await vault.seal(variableHome(owner, datasource, name), value),
      }));
      const written = await Promise.all(sealed);
      await writeVariables(
        changed(database, { organisation, datasource, values, actor }),
        { organisation: owner, datasource, nowMs: Date.now() },
        written,
      );
      return list(organisation, datasource);
    },
    async values(organisation, datasource) {
      const values = new Map<string, string>();
      const stored = await listVariables(database, organisation, datasource);
      // Those of the host come first, so that the organisation's own take their place.
      for (const { organisation: owner, name, sealed } of stored.toSorted((a, b) => a.organisation.length - b.organisation.length)) {
        if (owner === ALL_OF_THE_HOST || owner === organisation)
          values.set(name, await vault.open(variableHome(owner, datasource, name), sealed));
      }
      return values;
    },
  };
}

function variableHome(
  organisation: string,
  datasource: string,
  name: string,
): { organisation: string; connection: string; kind: 'variable' } {
  return { organisation, connection: `${datasource}/${name}`, kind: 'variable' };
}

function changed(
  database: Database,
  {
    organisation,
    datasource,
    values,
    actor,
  }: { organisation: string | undefined; datasource: string; values: Record<string, string | null>; actor: Actor },
): Database {
  const after = Object.entries(values).map(([name, value]) => ({ name, set: value !== null }));
  return recording(database, {
    actor,
    organisation,
    action: 'variables.set',
    target: `datasource/${datasource}`,
    after: { variables: after },
  });
}

function checkKnown({ name: datasource, envVars }: Manifest, name: string): void {
  if (envVars.some((known) => known.name === name)) return;
  const known = envVars.map((variable) => variable.name).join(', ');
  throw new RequestError('INVALID_REQUEST', `The datasource ${datasource} has no variable "${name.slice(0, 80)}".`, {
    remedy: known === '' ? 'It has none.' : `Use one of: ${known}.`,
    problems: [{ path: `/values/${name.slice(0, 80)}`, reason: 'The manifest names no such variable.', remedy: `Use one of: ${known}.` }],
  });
}
