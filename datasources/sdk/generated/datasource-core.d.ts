/// <reference path="./interfaces/lorelai-datasource-http-client.d.ts" />
/// <reference path="./interfaces/lorelai-datasource-log.d.ts" />
/// <reference path="./interfaces/lorelai-datasource-metrics.d.ts" />
/// <reference path="./interfaces/lorelai-datasource-source.d.ts" />
/// <reference path="./interfaces/lorelai-datasource-storage.d.ts" />
/// <reference path="./interfaces/lorelai-datasource-types.d.ts" />
declare module 'lorelai:datasource/datasource-core@1.0.0' {
  export type * as LorelaiDatasourceHttpClient100 from 'lorelai:datasource/http-client@1.0.0'; // import lorelai:datasource/http-client@1.0.0
  export type * as LorelaiDatasourceLog100 from 'lorelai:datasource/log@1.0.0'; // import lorelai:datasource/log@1.0.0
  export type * as LorelaiDatasourceMetrics100 from 'lorelai:datasource/metrics@1.0.0'; // import lorelai:datasource/metrics@1.0.0
  export type * as LorelaiDatasourceStorage100 from 'lorelai:datasource/storage@1.0.0'; // import lorelai:datasource/storage@1.0.0
  export type * as LorelaiDatasourceTypes100 from 'lorelai:datasource/types@1.0.0'; // import lorelai:datasource/types@1.0.0
  export * as source from 'lorelai:datasource/source@1.0.0'; // export lorelai:datasource/source@1.0.0
}
