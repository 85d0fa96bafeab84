import type { ApiSchemas } from '../../generated/api.ts';
import type { Organisation } from '../../services/people/organisation-service.ts';
import { toTimestamp } from './present.ts';

export function toOrganisationBody({ id, name, createdAtMs }: Organisation): ApiSchemas['Organisation'] {
  return { id, name, createdAt: toTimestamp(createdAtMs) };
}
