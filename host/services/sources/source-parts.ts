import type { Log } from '../../log.ts';
import { createBundleJudge } from '../../sandbox/bundle-judge.ts';
import type { Isolation } from '../../sandbox/isolation.ts';
import type { Database } from '../../store/database.ts';
import { createAdmission } from './admission.ts';
import { createBundleProof } from './bundle-proof.ts';
import type { Components } from '../registry/components.ts';
import { createFolderSources } from './folder-sources.ts';
import { createMarkets } from './markets.ts';
import type { RemoteOptions } from './remote-components.ts';
import type { Services } from '../services.ts';
import { createRootWatch } from './root-watch.ts';
import { createSigstore } from './sigstore.ts';
import { createSources } from './sources.ts';
import { createTrust } from './trust.ts';
import type { VersionSwitch } from '../registry/version-switch.ts';

export interface SourcePartsOptions extends RemoteOptions {
  database: Database;
  components: Components;
  versionSwitch: VersionSwitch;
  isolation: Isolation;
  log: Log;
  sourceFolders: readonly string[];
}

/** All that brings datasources in. */
export interface SourceParts {
  services: Pick<Services, 'trust' | 'sigstore' | 'sources' | 'folders' | 'markets'>;
  /** Looks into watched folders, and at sigstore roots, whose time has come. Never rejects. */
  workWhenDue(): Promise<void>;
}

export function openSourceParts(options: SourcePartsOptions): SourceParts {
  const { database, components, versionSwitch, isolation, registryConfig, sourceHosts, sourceFolders, log } = options;
  const remote = { registryConfig, sourceHosts };
  const judge = createBundleJudge({ isolation });
  const admission = createAdmission({ database, components, versionSwitch, bundleProof: createBundleProof({ database, judge }) });
  const markets = createMarkets({ database, ...remote });
  const roots = createRootWatch({ database, log });
  const folders = createFolderSources({ database, admission, log, sourceFolders });
  return {
    services: {
      trust: createTrust({ database }),
      sigstore: createSigstore({ database, judge }),
      sources: createSources({ database, admission, markets, versionSwitch, ...remote }),
      folders,
      markets,
    },
    async workWhenDue() {
      await Promise.all([folders.scanDue(), roots.warnWhenDue()]);
    },
  };
}
