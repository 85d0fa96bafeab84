import type { AuthorisationService } from './authorisations/authorisation-service.ts';
import type { CallerService } from './callers/callers.ts';
import type { ChangeService } from './record/changes.ts';
import type { IdempotencyService } from './callers/idempotency.ts';
import type { KeyService } from './callers/keys.ts';
import type { ConnectionService } from './connections/connection-service.ts';
import type { VariableService } from './connections/variable-service.ts';
import type { WebhookService } from './connections/webhook-service.ts';
import type { LorelaiService } from './lorelai/lorelai-services.ts';
import type { OrganisationService } from './people/organisation-service.ts';
import type { AccessService, ConnectionAccessService, PeopleService, QuestionRecord } from './people/people-services.ts';
import type { AuditService, MetricsService } from './record/record-services.ts';
import type { FlagService, RegistryService } from './registry/registry-service.ts';
import type { VersionService } from './registry/version-service.ts';
import type { RetrievalService } from './retrieval/retrieval-service.ts';
import type { RunService } from './runs/run-service.ts';
import type { ScheduleService } from './runs/schedule-service.ts';
import type { FolderService, MarketService, SigstoreService, SourceService, TrustService } from './sources/source-services.ts';
import type { VaultService } from './vault/vault-service.ts';
import type { VectorService } from './vectors/vector-services.ts';

/**
 * What the product does, for every front door: the HTTP routes and the command line speak to
 * these and to nothing below them. Each method throws `RequestError` with the codes it names.
 */
export interface Services {
  organisations: OrganisationService;
  keys: KeyService;
  callers: CallerService;
  changes: ChangeService;
  idempotency: IdempotencyService;
  registry: RegistryService;
  versions: VersionService;
  trust: TrustService;
  sigstore: SigstoreService;
  sources: SourceService;
  folders: FolderService;
  markets: MarketService;
  flags: FlagService;
  connections: ConnectionService;
  authorisations: AuthorisationService;
  variables: VariableService;
  vault: VaultService;
  runs: RunService;
  schedules: ScheduleService;
  webhooks: WebhookService;
  retrieval: RetrievalService;
  vectors: VectorService;
  people: PeopleService;
  access: AccessService;
  connectionAccess: ConnectionAccessService;
  questions: Omit<QuestionRecord, 'close'>;
  audit: AuditService;
  metrics: MetricsService;
  health: HealthService;
  lorelai: LorelaiService;
}

export interface HealthService {
  /** `ready` is false when the store does not answer or the host is shutting down. */
  ready(): Promise<{ ready: boolean; checks: { name: string; ok: boolean; detail: string }[] }>;
}
