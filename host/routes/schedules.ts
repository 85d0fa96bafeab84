import { callersWith } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toScheduleBody } from './shapes/schedule.ts';
import { CONNECTION } from './things.ts';

const ONE_CONNECTION = {
  pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'Connections',
} as const;

const CHANGERS = callersWith('operator', 'query');

export function scheduleRoutes(): Route[] {
  return [
    defineRoute({
      ...ONE_CONNECTION,
      method: 'GET',
      path: '/api/v1/connections/{id}/schedule',
      operationId: 'getSchedule',
      of: CONNECTION,
      access: callersWith(['operator', 'author'], 'query'),
      summary: 'Read the schedule of a connection',
      description: 'When runs of each kind come by themselves, the bounds that they are held to, and whether the connection is paused.',
      body: noBody(),
      success: ok('ConnectionSchedule', 'The schedule.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_DATASOURCE'],
      handle: async (services, { path, query }) => toScheduleBody(await services.schedules.get(query.organisation, path.id)),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'PATCH',
      path: '/api/v1/connections/{id}/schedule',
      operationId: 'changeSchedule',
      of: CONNECTION,
      access: CHANGERS,
      summary: 'Change the schedule of a connection',
      description: 'Changes what the body names and leaves the rest; null goes back to what the datasource or the host says.',
      body: requiredBody('ScheduleChange'),
      success: ok('ConnectionSchedule', 'The schedule as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_DATASOURCE', 'INVALID_SCHEDULE'],
      handle: async (services, { path, query, body, actor }) =>
        toScheduleBody(await services.schedules.change(query.organisation, path.id, body, actor)),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/pause',
      operationId: 'pauseConnection',
      of: CONNECTION,
      access: CHANGERS,
      summary: 'Pause a connection',
      description: 'No run begins or goes on until it is resumed. One that is under way is parked within its current call.',
      body: optionalBody('PauseInput'),
      success: ok('ConnectionSchedule', 'The schedule as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_DATASOURCE'],
      handle: async (services, { path, query, body, actor }) =>
        toScheduleBody(await services.schedules.pause(query.organisation, path.id, body.reason, actor)),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/resume',
      operationId: 'resumeConnection',
      of: CONNECTION,
      access: CHANGERS,
      summary: 'Resume a connection',
      description: 'Takes a pause back, whoever paused it. Parked runs go on, and failed runs are counted from 0 again.',
      body: noBody(),
      success: ok('ConnectionSchedule', 'The schedule as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_DATASOURCE'],
      handle: async (services, { path, query, actor }) =>
        toScheduleBody(await services.schedules.resume(query.organisation, path.id, actor)),
    }),
  ];
}
