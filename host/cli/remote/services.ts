import type { Services } from '../../services/services.ts';
import { remoteAuthorisations, remoteConnections, remoteSchedules, remoteVariables, remoteWebhooks } from './connections.ts';
import { remoteRegistry, remoteVersions } from './datasources.ts';
import { remoteAccess, remoteChanges, remoteKeys, remoteOrganisations, remotePeople } from './people.ts';
import { remoteHost, withRoutes, type RemoteHostOptions } from './remote-host.ts';
import { remoteSigstore } from './sigstore.ts';
import { remoteFolders, remoteMarkets, remoteSources, remoteTrust } from './sources.ts';
import { remoteVectors } from './vectors.ts';
import { remoteAudit, remoteRetrieval, remoteRuns } from './runs.ts';

/**
 * The services of a host that runs elsewhere, over its API: what a command does with them, it does with these. What has no
 * route says that it needs the machine of the host.
 */
export function remoteServices(options: RemoteHostOptions): Services {
  const host = remoteHost(options);
  const routed: Partial<Services> = {
    connections: withRoutes(remoteConnections(host)),
    authorisations: withRoutes(remoteAuthorisations(host)),
    variables: remoteVariables(host),
    schedules: remoteSchedules(host),
    webhooks: withRoutes(remoteWebhooks(host)),
    runs: withRoutes(remoteRuns(host)),
    audit: remoteAudit(host),
    retrieval: remoteRetrieval(host),
    registry: withRoutes(remoteRegistry(host)),
    versions: withRoutes(remoteVersions(host)),
    sources: withRoutes(remoteSources(host)),
    folders: withRoutes(remoteFolders(host)),
    markets: withRoutes(remoteMarkets(host)),
    trust: withRoutes(remoteTrust(host)),
    sigstore: withRoutes(remoteSigstore(host)),
    vectors: withRoutes(remoteVectors(host)),
    organisations: remoteOrganisations(host),
    people: remotePeople(host),
    access: remoteAccess(host),
    keys: withRoutes(remoteKeys(host)),
    changes: withRoutes(remoteChanges(host)),
  };
  return new Proxy(routed, {
    get: (target, name) => Reflect.get(target, name) ?? withRoutes({}),
    // Every service is there: it has routes, or each of its methods throws.
  }) as Services;
}
