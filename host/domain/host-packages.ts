/** The framework that manifests name in `framework_version`: the contract in wit/ that this host keeps. */
export const FRAMEWORK_VERSION = '1.0.0';

/**
 * What the host provides to every datasource, by WIT package; `core_dependencies` may name these. Of WASI 0.2 any patch
 * version may be asked for.
 */
export const HOST_PACKAGES: Readonly<Record<string, string>> = {
  'lorelai:datasource': FRAMEWORK_VERSION,
  'wasi:cli': '0.2.12',
  'wasi:clocks': '0.2.12',
  'wasi:filesystem': '0.2.12',
  'wasi:http': '0.2.12',
  'wasi:io': '0.2.12',
  'wasi:random': '0.2.12',
};
