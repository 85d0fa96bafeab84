// world lorelai:datasource/datasource@1.0.0
export type * as LorelaiDatasourceHttpClient100 from './interfaces/lorelai-datasource-http-client.js'; // import lorelai:datasource/http-client@1.0.0
export type * as LorelaiDatasourceLog100 from './interfaces/lorelai-datasource-log.js'; // import lorelai:datasource/log@1.0.0
export type * as LorelaiDatasourceMetrics100 from './interfaces/lorelai-datasource-metrics.js'; // import lorelai:datasource/metrics@1.0.0
export type * as LorelaiDatasourceStorage100 from './interfaces/lorelai-datasource-storage.js'; // import lorelai:datasource/storage@1.0.0
export type * as LorelaiDatasourceTypes100 from './interfaces/lorelai-datasource-types.js'; // import lorelai:datasource/types@1.0.0
export type * as WasiClocksMonotonicClock0212 from './interfaces/wasi-clocks-monotonic-clock.js'; // import wasi:clocks/monotonic-clock@0.2.12
export type * as WasiClocksWallClock0212 from './interfaces/wasi-clocks-wall-clock.js'; // import wasi:clocks/wall-clock@0.2.12
export type * as WasiHttpOutgoingHandler0212 from './interfaces/wasi-http-outgoing-handler.js'; // import wasi:http/outgoing-handler@0.2.12
export type * as WasiHttpTypes0212 from './interfaces/wasi-http-types.js'; // import wasi:http/types@0.2.12
export type * as WasiIoError0212 from './interfaces/wasi-io-error.js'; // import wasi:io/error@0.2.12
export type * as WasiIoPoll0212 from './interfaces/wasi-io-poll.js'; // import wasi:io/poll@0.2.12
export type * as WasiIoStreams0212 from './interfaces/wasi-io-streams.js'; // import wasi:io/streams@0.2.12
export type * as WasiRandomInsecureSeed0212 from './interfaces/wasi-random-insecure-seed.js'; // import wasi:random/insecure-seed@0.2.12
export type * as WasiRandomInsecure0212 from './interfaces/wasi-random-insecure.js'; // import wasi:random/insecure@0.2.12
export type * as WasiRandomRandom0212 from './interfaces/wasi-random-random.js'; // import wasi:random/random@0.2.12
export * as source from './interfaces/lorelai-datasource-source.js'; // export lorelai:datasource/source@1.0.0
