import { getAuthorisation } from '../../store/authorisations.ts';
import { getConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import type { DueNotice } from '../../store/notices.ts';
import type { ReconnectLinks } from '../authorisations/reconnect-links.ts';

/** Names the end of an authorisation to the other side. */
export function deliveryOf({ connection, generation }: DueNotice): string {
  return `${connection}.authorisation.${generation}`;
}

/** In the shape of Lorelai's notifications; undefined when the connection is gone, or is authorised again. */
export async function noticeBody(
  { database, reconnectLinks }: { database: Database; reconnectLinks: ReconnectLinks },
  notice: DueNotice,
): Promise<string | undefined> {
  const { organisation, connection: id, generation } = notice;
  const authorisation = await getAuthorisation(database, organisation, id);
  const connection = await getConnection(database, organisation, id);
  if (connection === undefined || authorisation?.generation !== generation || authorisation.state !== 'paused') return undefined;
  const reconnectUrl = await reconnectLinks.linkFor(authorisation);
  return JSON.stringify({
    id: deliveryOf(notice),
    type: 'authorisation_ended',
    title: `Authorisation has ended: ${connection.name}`,
    message: authorisation.reason ?? '',
    data: {
      org: organisation,
      datasource_name: connection.datasource,
      connection: id,
      account: authorisation.account,
      reconnect_url: reconnectUrl,
    },
    url: `/api/v1/connections/${id}/authorisation?organisation=${organisation}`,
    created_at: new Date(notice.createdAtMs).toISOString(),
  });
}
