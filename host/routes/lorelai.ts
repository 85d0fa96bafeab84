import { RUN_ITEM_ORDERS } from '../services/lorelai/lorelai-services.ts';
import { callersWith } from './access.ts';
import { lorelaiConnectionRoutes } from './lorelai-connections.ts';
import { choice, integer, requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, requiredBody, type Route, type Success } from './route.ts';
import { toErrorBody, toItemsBody, toJobBody, toLorelaiResultBody, toRunBody } from './shapes/lorelai.ts';
import type { ApiSchemas } from '../generated/api.ts';

const DEFAULT_K = 10;
const DEFAULT_TOP_N = 3;

const RUN = requiredText('The id of the run, which is that of its job.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y');

/** Thin: what Lorelai calls its things is decided here, what happens in the services. */
export function lorelaiRoutes(): Route[] {
  return [retrieveRoute(), indexRoute(), ...runRoutes(), itemsRoute(), itemRoute(), ...lorelaiConnectionRoutes()];
}

function retrieveRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: '/v1/retrieve',
    operationId: 'lorelaiRetrieve',
    access: callersWith('reader', 'caller'),
    tag: 'Lorelai',
    summary: 'Find context for a question of a person',
    description:
      'Asks each datasource by itself for what exactly this person may see. One that fails, is unknown or has nothing indexed says so in its result; the others answer. Needs the scope `on-behalf-of` too.',
    pathParameters: {},
    queryParameters: {},
    body: requiredBody('LorelaiQuestion'),
    success: ok('LorelaiAnswer', 'One result for each datasource.'),
    errors: ['UNKNOWN_ORGANISATION', 'CONFLICT', 'UNKNOWN_PERSON'],
    handle: async (services, { body, caller, actor }) => {
      const {
        org,
        user_email: userEmail,
        question,
        datasources,
        k = DEFAULT_K,
        top_n: best = DEFAULT_TOP_N,
        rerank = true,
        live = false,
      } = body;
      const topN = rerank ? Math.min(best, k) : k;
      const asked = { org, userEmail, question, datasources, k, topN, rerank, live };
      return { results: (await services.lorelai.retrieve(caller, actor.requestId, asked)).map(toLorelaiResultBody) };
    },
  });
}

function indexRoute(): Route {
  const success: Success<ApiSchemas['LorelaiJobs']> = { status: 202, schema: 'LorelaiJobs', description: 'A job for each connection.' };
  return defineRoute({
    method: 'POST',
    path: '/v1/index/runs',
    operationId: 'lorelaiIndex',
    access: callersWith('operator', 'caller'),
    tag: 'Lorelai',
    summary: 'Index a datasource of an organisation',
    description:
      'Begins to read every connection that the organisation has of the datasource, and answers at once. Whoever may see what comes from the source, so that a connection is read once for all users.',
    pathParameters: {},
    queryParameters: {},
    body: requiredBody('LorelaiIndexInput'),
    success,
    errors: ['UNKNOWN_ORGANISATION', 'CONFLICT', 'UNKNOWN_DATASOURCE', 'UNKNOWN_CONNECTION'],
    handle: async (services, { body: { org, users, datasource, full = false }, caller, actor }) => {
      const { jobs, unknownUsers, faults } = await services.lorelai.index(caller, { org, users, datasource, full }, actor);
      return { jobs, unknown_users: unknownUsers, errors: faults.map(toErrorBody) };
    },
  });
}

function runRoutes(): Route[] {
  const shared = {
    method: 'GET',
    access: callersWith(['operator', 'author'], 'caller'),
    tag: 'Lorelai',
    pathParameters: { id: RUN },
    queryParameters: {},
    body: noBody(),
    errors: ['UNKNOWN_RUN'],
  } as const;
  return [
    defineRoute({
      ...shared,
      path: '/v1/index/jobs/{id}',
      operationId: 'lorelaiJob',
      summary: 'Follow a job',
      description: 'How far it has come, and its result when it has ended.',
      success: ok('LorelaiJob', 'The job.'),
      handle: async (services, { path, caller }) => toJobBody(await services.lorelai.run(caller, path.id)),
    }),
    defineRoute({
      ...shared,
      path: '/v1/index/runs/{id}',
      operationId: 'lorelaiRun',
      summary: 'Read an indexing run',
      description: 'Its status, and why it is so.',
      success: ok('LorelaiRun', 'The run.'),
      handle: async (services, { path, caller }) => toRunBody(await services.lorelai.run(caller, path.id)),
    }),
  ];
}

function itemsRoute(): Route {
  return defineRoute({
    method: 'GET',
    path: '/v1/index/runs/{id}/items',
    operationId: 'lorelaiRunItems',
    access: callersWith('operator', 'caller'),
    tag: 'Lorelai',
    summary: 'List what a run indexed and left out',
    description:
      'Documents that the run wrote and that have not been written anew since, and the first 100 items that it left out. What had not changed is not among them.',
    pathParameters: { id: RUN },
    queryParameters: {
      page: integer('Which page, from 1 on.', { least: 1, most: 1_000_000, fallback: 1 }),
      per_page: integer('Items of a page.', { least: 1, most: 100, fallback: 50 }),
      status: choice('Only items of which this came.', ['completed', 'failed'] as const),
      type: choice('Only items of this type; there is no other.', ['document'] as const),
      sort: choice('In this order; `created_at` when left out.', RUN_ITEM_ORDERS),
    },
    body: noBody(),
    success: ok('LorelaiRunItems', 'A page of items.'),
    errors: ['UNKNOWN_RUN'],
    handle: async (services, { path, query, caller }) => {
      const page = { page: query.page, perPage: query.per_page, status: query.status, order: query.sort ?? 'created_at' };
      return toItemsBody(await services.lorelai.items(caller, path.id, page), page);
    },
  });
}

function itemRoute(): Route {
  return defineRoute({
    method: 'GET',
    path: '/v1/index/items/{id}/details',
    operationId: 'lorelaiItem',
    access: callersWith('operator', 'caller'),
    tag: 'Lorelai',
    summary: 'Read what is indexed of an item',
    description: 'The text of a document as it is in the index, whoever may see it; or why the item was left out.',
    pathParameters: { id: requiredText('The id of the item.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
    queryParameters: {},
    body: noBody(),
    success: ok('LorelaiItemDetails', 'The item.'),
    errors: ['UNKNOWN_DOCUMENT'],
    handle: async (services, { path, caller }) => {
      const { text, log, error } = await services.lorelai.item(caller, path.id);
      return { item_extractedtext: text, item_log: log, item_error: error ?? null };
    },
  });
}
