import { callersWith } from './access.ts';
import { defineRoute, noBody, ok, type Route } from './route.ts';
import { toVectorsBody } from './shapes/vectors.ts';

const VECTORS = { tag: 'Retrieval', pathParameters: {}, queryParameters: {} } as const;

export function vectorRoutes(): Route[] {
  return [
    defineRoute({
      ...VECTORS,
      method: 'GET',
      path: '/api/v1/vectors',
      operationId: 'getVectors',
      access: callersWith('operator', 'host'),
      summary: 'Read how far vectors have come',
      description:
        'What passages are found by beside their words: with which model, how many have their vectors, and what is lost without.',
      body: noBody(),
      success: ok('Vectors', 'How far they have come.'),
      errors: [],
      handle: async (services) => toVectorsBody(await services.vectors.status()),
    }),
    defineRoute({
      ...VECTORS,
      method: 'POST',
      path: '/api/v1/vectors/reembed',
      operationId: 'reembed',
      access: callersWith('admin', 'host'),
      summary: 'Make all vectors anew',
      description:
        'For a model that has changed under its name: another name in the settings does this by itself. It costs what embedding everything costs. Questions are answered with the vectors that there are until the new ones are complete.',
      body: noBody(),
      success: ok('Vectors', 'It has begun.'),
      errors: ['EMBEDDER_MISSING', 'UPSTREAM_FAULT'],
      handle: async (services, { actor }) => toVectorsBody(await services.vectors.reembed(actor)),
    }),
  ];
}
