import { expect, test } from 'vitest';
import type { Route } from '../../../host/routes/route.ts';
import { apiRoutes } from '../../../host/routes/routes.ts';

const { routes } = apiRoutes();
const STARTS_WORK = 'it begins work of the host, and overwrites nothing';
const OF_A_LIST = 'it adds to a list or takes from it, and changes no entry';
const DECIDED_BY_STATE = 'it asks for a state of the run, which is looked at in the same transaction';

/** Changes that say nothing of the state they are meant for, each with its reason. */
const WITHOUT: Readonly<Record<string, string>> = {
  reembed: STARTS_WORK,
  scanSourceFolders: STARTS_WORK,
  addMarket: OF_A_LIST,
  removeMarket: OF_A_LIST,
  addSourceFolder: OF_A_LIST,
  removeSourceFolder: OF_A_LIST,
  takeOverLock: OF_A_LIST,
  releaseVersion: OF_A_LIST,
  startRun: STARTS_WORK,
  checkConnection: 'it changes nothing',
  cancelRun: DECIDED_BY_STATE,
  approveRun: DECIDED_BY_STATE,
  dismissRun: DECIDED_BY_STATE,
  lorelaiBeginOAuth: 'it begins an attempt, and its GET does the same',
  lorelaiForwardOAuth: 'its state proves which attempt it belongs to, once',
  startAuthorisation: 'its ticket is good once',
  reconnect: 'its ticket is for one end of one authorisation',
};

const reading = routes.filter(({ method }) => method === 'GET');
/** The address itself, or the thing that the last part of the address says a verb of. */
const isAddressOf = (path: string, changed: string): boolean => path === changed || path === changed.replace(/\/[^/{}]+$/, '');
const isList = ({ success }: Route): boolean => success.schema?.endsWith('Page') === true;

/** What can be read can have been changed since. A POST to a list adds to it. */
function changesWhatIsRead({ method, path }: Route): boolean {
  if (method === 'GET') return false;
  if (method !== 'POST') return true;
  return reading.some((route) => !isList(route) && isAddressOf(route.path, path));
}

test.each(routes.filter(changesWhatIsRead))('$method $path may be sent for one state alone, or it is said why not', (route) => {
  expect(route.conditional).toBe(!(route.operationId in WITHOUT));
});

test.each(routes.filter(({ conditional }) => conditional))('the thing that $method $path changes is read with an ETag', ({ path }) => {
  const [thing = path] = /^.*?\}/.exec(path) ?? [];
  expect(reading.some((route) => route.tagged && (route.path.startsWith(thing) || thing.startsWith(route.path)))).toBe(true);
});

test('nothing is excused that there is no need to excuse', () => {
  const needed = routes.filter((route) => changesWhatIsRead(route) && !route.conditional).map(({ operationId }) => operationId);
  expect(needed.toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});
