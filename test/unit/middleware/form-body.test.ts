import { describe, expect, it } from 'vitest';
import { edge } from '../../helpers/edge.ts';

const followed: string[] = [];
const { app } = edge({
  authorisations: {
    followLink: async (_, ticket) => {
      followed.push(ticket);
      return undefined;
    },
  },
});

async function send(body: string, type = 'application/x-www-form-urlencoded'): Promise<{ status: number; text: string }> {
  const response = await app.request('/api/v1/authorisations/start', { method: 'POST', body, headers: { 'content-type': type } });
  return { status: response.status, text: await response.text() };
}

describe('a form', () => {
  it.each(['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8'])(
    'called %j reaches the service',
    async (type) => {
      expect(await send('ticket=a%20b+c', type)).toMatchObject({ status: 200 });
      expect(followed.at(-1)).toBe('a b c');
    },
  );

  it.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencodedx', ''])(
    'called %j is UNSUPPORTED_MEDIA_TYPE',
    async (type) => {
      expect(await send('ticket=a', type)).toMatchObject({ status: 415, text: expect.stringContaining('UNSUPPORTED_MEDIA_TYPE') });
    },
  );

  it.each(['ticket=a&ticket=b', 'ticket=a&other=b', 'ticket=a&__proto__=b', 'other=a', ''])(
    'that has not just its own field is INVALID_REQUEST: %s',
    async (body) => {
      const before = followed.length;
      expect(await send(body)).toMatchObject({ status: 400, text: expect.stringContaining('INVALID_REQUEST') });
      expect(followed.length).toBe(before);
    },
  );

  it('of more fields than any has is refused in no time: nobody has to say who sends it', async () => {
    const body = Array.from({ length: 200_000 }, (_, at) => at.toString(36)).join('&');
    const beganMs = process.cpuUsage().user / 1_000;
    expect(await send(body)).toMatchObject({ status: 400, text: expect.stringContaining('more than 100 fields') });
    expect(process.cpuUsage().user / 1_000 - beganMs).toBeLessThan(2_000);
  });
});
