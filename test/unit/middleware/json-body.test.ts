import { describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES } from '../../../host/middleware/body-limit.ts';
import type { RetrievalInput } from '../../../host/services/retrieval/retrieval-service.ts';
import { edge } from '../../helpers/edge.ts';

const asked: RetrievalInput[] = [];
const { app, logged } = edge({
  retrieval: {
    retrieve: async (input) => {
      asked.push(input);
      return { hits: [], failures: [], missing: [], tookMs: 0 };
    },
  },
});

async function send(
  body: RequestInit['body'],
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<{ status: number; body: unknown }> {
  const response = await app.request('/api/v1/retrieve', {
    method: 'POST',
    body: body ?? null,
    headers,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
  return { status: response.status, body: await response.json() };
}

describe('a body', () => {
  test('that is JSON in UTF-8 reaches the service', async () => {
    expect(await send('{"question":"wo?","k":3}', { 'content-type': 'Application/JSON; charset=UTF-8' })).toMatchObject({ status: 200 });
    expect(asked.at(-1)).toMatchObject({ organisation: 'default', question: 'wo?', k: 3 });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=latin1',
    'application/jsonx',
    '',
  ])('called %j is UNSUPPORTED_MEDIA_TYPE', async (type) => {
    expect(await send('{"question":"x"}', { 'content-type': type })).toMatchObject({
      status: 415,
      body: { code: 'UNSUPPORTED_MEDIA_TYPE' },
    });
  });

  test.each([
    ['cut off', '{"question":'],
    ['two values', '{} {}'],
    ['not JSON', 'question=x'],
    ['a trailing comma', '{"question":"x",}'],
    ['a byte order mark before nothing', '\uFEFF'],
    ['bytes that are not UTF-8', new Uint8Array(Buffer.from('{"question":"\u00ff"}', 'latin1'))],
    ['a UTF-16 text', new Uint8Array(Buffer.from('{"question":"x"}', 'utf16le'))],
  ])('that is %s is MALFORMED_JSON', async (_name, body) => {
    expect(await send(body)).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON' } });
  });

  test('that is missing is INVALID_REQUEST', async () => {
    expect(await send('')).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', detail: 'The request has no body.' } });
  });

  test.each(['null', '[]', '"x"', '1', 'true'])('that is %s is INVALID_REQUEST', async (body) => {
    expect(await send(body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });

  test('with half a surrogate pair is INVALID_REQUEST and says where', async () => {
    expect(await send('{"question":"a\\ud800"}')).toMatchObject({ status: 400, body: { errors: [{ path: '/question' }] } });
  });

  test.each(['{"question":"a\\u0000b"}', '{"question":"x","filters":{"attributes":{"a\\u0000":"b"}}}'])(
    'with a NUL, which nothing can store, is INVALID_REQUEST: %s',
    async (body) => {
      expect(await send(body)).toMatchObject({ status: 400, body: { errors: [{ reason: expect.stringContaining('NUL') }] } });
    },
  );

  test('that is nested without end is INVALID_REQUEST', async () => {
    const deep = `{"question":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const reason = 'It is nested more than 64 levels deep.';
    expect(await send(deep)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ reason }] } });
  });

  test('may call a key __proto__ and nothing comes of it', async () => {
    expect(await send('{"question":"x","__proto__":{"k":1}}')).toMatchObject({ status: 400, body: { errors: [{ path: '/__proto__' }] } });
  });

  test('that is not JSON is not quoted in the log', async () => {
    await send('{"credential":"s3cret-value"');
    await send('s3cret');
    expect(logged()).not.toContain('s3cret');
  });
});

describe('a body that is too large', () => {
  const padding = ' '.repeat(MAX_BODY_BYTES);

  test('is BODY_TOO_LARGE by its length', async () => {
    expect(await send(`{"question":"x"${padding}}`)).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  });

  test('is BODY_TOO_LARGE as it comes when it names no length', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024));
    let pulls = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls += 1;
        controller.enqueue(chunk);
      },
    });
    expect(await send(endless)).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
    expect(pulls).toBeLessThan(40);
  });

  test('is taken up to the limit', async () => {
    const body = '{"question":"x"}';
    expect(await send(body + ' '.repeat(MAX_BODY_BYTES - body.length))).toMatchObject({ status: 200 });
  });
});

test.each(['/api/v1/runs/%', '/api/v1/runs/%E0%A4%A', '/api/v1/runs/%ff', '/api/v1/runs?connection=%ff', '/%zz'])(
  'the address %s is INVALID_REQUEST',
  async (path) => {
    const response = await app.request(path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'INVALID_REQUEST' });
  },
);

test('a body of more values than any of ours is refused before each of them is checked', async () => {
  const before = asked.length;
  const many = await send(JSON.stringify({ question: 'x', connections: Array.from({ length: 300_000 }, () => 1) }));
  expect(many).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ reason: 'It holds more than 50000 values.' }] } });
  const nested = await send(`{"question":"x","more":[${Array.from({ length: 60_000 }, () => '{"a":1}').join()}]}`);
  expect(nested).toMatchObject({ status: 400, body: { errors: [{ reason: 'It holds more than 50000 values.' }] } });
  expect(asked).toHaveLength(before);
});
