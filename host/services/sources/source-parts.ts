import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { createAdmission } from './admission.ts';
import type { Components } from '../registry/components.ts';
import { createFolderSources } from './folder-sources.ts';
import { createMarkets } from './markets.ts';
import type { RemoteOptions } from './remote-components.ts';
import type { Services } from '../services.ts';
import { createSources } from './sources.ts';
import { createTrust } from './trust.ts';
import type { VersionSwitch } from '../registry/version-switch.ts';

export interface SourcePartsOptions extends RemoteOptions {
  database: Database;
  components: Components;
  versionSwitch: VersionSwitch;
  log: Log;
}

/** All that brings datasources in. */
export interface SourceParts {
  services: Pick<Services, 'trust' | 'sources' | 'folders' | 'markets'>;
  /** Looks into watched folders whose time has come. */
  workWhenDue(): Promise<void>;
}

export function openSourceParts({ database, components, versionSwitch, registryConfig, log }: SourcePartsOptions): SourceParts {
  const admission = createAdmission({ database, components, versionSwitch });
  const markets = createMarkets({ database, registryConfig });
  const folders = createFolderSources({ database, admission, log });
  return {
    services: {
      trust: createTrust({ database }),
      sources: createSources({ database, admission, markets, versionSwitch, registryConfig }),
      folders,
      markets,
    },
    workWhenDue: folders.scanDue,
  };
}
