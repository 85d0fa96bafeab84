// oxlint-disable-next-line typescript/triple-slash-reference -- the declared modules have no file to import
/// <reference path="./generated/datasource-core.d.ts" />
// The public surface of `@lorelai/datasource-sdk`: what a datasource may import.
export { account, adminsOnly, allOf, anyOf, domain, email, everyone, group } from './access.ts';
export type { Access, Principal, PrincipalSet } from './access.ts';
export { fromBase64, fromUtf8, toBase64, toUtf8 } from './bytes.ts';
export { timeMs } from './clock.ts';
export type {
  CheckReport,
  Connection,
  DatasourceDefinition,
  DatasourceManifest,
  Delivery,
  Feature,
  FeatureName,
  Group,
  GroupPage,
  Hit,
  ManifestTypes,
  Query,
  Received,
  Settings,
} from './datasource.ts';
export { defineDatasource } from './define.ts';
export type { Source } from './define.ts';
export type { Change, Changes, Document, IdPage, ReadResult } from './document.ts';
export {
  checkpointExpired,
  Failure,
  failed,
  forbidden,
  invalidConfig,
  throttled,
  unauthorized,
  unavailable,
  unsupported,
} from './failure.ts';
export type { FailureCase, Problem } from './failure.ts';
export { http } from './http.ts';
export type { HttpClient, PageOptions } from './http.ts';
export { expectOk } from './http-failure.ts';
export { log } from './log.ts';
export { openMetrics } from './metrics.ts';
export type { Counter, Gauge, Metrics } from './metrics.ts';
export type { Request, RequestOptions } from './request.ts';
export type { Response } from './response.ts';
export { openStorage } from './storage.ts';
export type { Collection, Storage, StoredEntry } from './storage.ts';
