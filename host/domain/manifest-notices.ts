import type { DatasourceManifest } from '../generated/schemas/datasource-manifest.ts';
import { HOST_PACKAGES } from './host-packages.ts';
import { escapePointer } from './json-pointer.ts';
import type { ManifestNotice } from './manifest.ts';

/**
 * What of a manifest has no effect here, each with what takes its place: words of the Python plug-ins that manifests were
 * first written for. They are understood, so that such a manifest is accepted as it stands.
 */
export function manifestNotices(source: DatasourceManifest): ManifestNotice[] {
  const notices: ManifestNotice[] = [];
  if (source.python_version !== undefined) {
    notices.push({
      path: '/python_version',
      text: 'No Python is provided. A datasource is a WebAssembly component; one written in Python carries its interpreter with it (componentize-py).',
    });
  }
  for (const name of pythonPackages(source)) {
    notices.push({
      path: `/core_dependencies/${escapePointer(name)}`,
      text: `"${name}" is taken for a Python package and is not provided. A component is built together with its libraries.`,
    });
  }
  if (source.monitoring?.health_check_endpoint !== undefined) {
    notices.push({
      path: '/monitoring/health_check_endpoint',
      text: 'A datasource has no address of its own. The host asks it through the function "check", and answers at /healthz and /readyz itself.',
    });
  }
  return notices;
}

/** In a manifest that names a version of Python, dependencies that can be none of this host's are packages of Python. */
export function pythonPackages(source: DatasourceManifest): string[] {
  if (source.python_version === undefined) return [];
  return Object.keys(source.core_dependencies ?? {}).filter((name) => !Object.hasOwn(HOST_PACKAGES, name));
}
