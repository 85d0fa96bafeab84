import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, done, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toSourceFolderBody } from './shapes/source.ts';

const FOLDERS = { tag: 'Datasources', path: '/api/v1/source-folders', pathParameters: {} } as const;

/** Paths of the host's machine: nothing for callers of one organisation. */
export function sourceFolderRoutes(): Route[] {
  return [
    defineRoute({
      ...FOLDERS,
      method: 'GET',
      operationId: 'listSourceFolders',
      access: callersWith('operator', 'host'),
      summary: 'List watched folders',
      description: 'Folders of the machine of the host, with the components that were found in them and why some were refused.',
      queryParameters: {},
      body: noBody(),
      success: ok('SourceFolders', 'The folders.'),
      errors: [],
      handle: async (services) => ({ items: (await services.folders.list()).map(toSourceFolderBody) }),
    }),
    defineRoute({
      ...FOLDERS,
      method: 'POST',
      operationId: 'addSourceFolder',
      access: callersWith('admin', 'host'),
      summary: 'Watch a folder',
      description:
        'What lies in it needs no signature, so over the API only folders can be named that LORELAI_SOURCE_FOLDERS lists, and folders in them. It is looked into at once; nothing is switched.',
      queryParameters: {},
      body: requiredBody('SourceFolderInput'),
      success: ok('SourceFolder', 'The folder, with what was found.'),
      errors: ['FOLDER_NOT_ALLOWED', 'UNKNOWN_SOURCE'],
      handle: async (services, { body, actor }) => toSourceFolderBody(await services.folders.add(body.folder, actor)),
    }),
    defineRoute({
      ...FOLDERS,
      method: 'DELETE',
      operationId: 'removeSourceFolder',
      access: callersWith('admin', 'host'),
      summary: 'Watch a folder no more',
      description: 'What was taken from it stays.',
      queryParameters: { folder: requiredText('A watched folder.', '/srv/datasources', 1_000) },
      body: noBody(),
      success: done('It is watched no more.'),
      errors: ['UNKNOWN_SOURCE'],
      handle: async (services, { query, actor }) => services.folders.remove(query.folder, actor),
    }),
    defineRoute({
      ...FOLDERS,
      path: '/api/v1/source-folders/scan',
      method: 'POST',
      operationId: 'scanSourceFolders',
      access: callersWith('operator', 'host'),
      summary: 'Look into watched folders now',
      description: 'Into one, or into all of them. A host that serves does so by itself every ten seconds.',
      queryParameters: {},
      body: optionalBody('ScanInput'),
      success: ok('SourceFolders', 'What was looked into, with what was found.'),
      errors: ['UNKNOWN_SOURCE'],
      handle: async (services, { body, actor }) => ({ items: (await services.folders.scan(body.folder, actor)).map(toSourceFolderBody) }),
    }),
  ];
}
