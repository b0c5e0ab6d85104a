import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { queryParameters } from '../../../core/contract/index.ts';
import { problemAnswer } from '../../../plugins/http-query-api/schemas.ts';
import { ALL, broken, member, memorySource, openStand, rowsOf, type Stand } from './stand.ts';

let stand: Stand;
afterEach(() => stand.close());

const app = member('app', memorySource('logs', rowsOf(['{"n":1}'])));

describe('a wrong parameter', () => {
  test.each([
    ['', 'type'],
    ['type=', 'type'],
    ['type=invalid', 'type'],
    ['type=logs&type=logs', 'type'],
    ['type=logs&days=0', 'days'],
    ['type=logs&days=-5', 'days'],
    ['type=logs&days=36501', 'days'],
    ['type=logs&days=1e3', 'days'],
    ['type=logs&days=abc', 'days'],
    ['type=logs&limit=0', 'limit'],
    ['type=logs&limit=10001', 'limit'],
    ['type=logs&limit=1.5', 'limit'],
    ['type=logs&limit=', 'limit'],
    ['type=logs&from=yesterday', 'from'],
    ['type=logs&to=2025-13-01', 'to'],
    ['type=logs&from=now&to=-1h', 'from'],
    ['type=logs&order=up', 'order'],
    ['type=logs&format=xml', 'format'],
    ['type=logs&cursor=%00', 'cursor'],
    ['type=logs&where==', 'where'],
    ['type=logs&search=', 'search'],
    ['type=logs&source=nobody', 'source'],
    ['type=logs&history=1', 'history'],
    ['type=health&level=ERROR', 'level'],
    ['type=health&from=-1h', 'from'],
    ['type=logs&lmit=5', 'lmit'],
  ])('%s is a 400 that names %s', async (query, parameter) => {
    stand = await openStand([app]);
    const { status, headers, json } = await stand.get(`/api/data/query?${query}`);
    expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
    const answer = problemAnswer.parse(json());
    expect(answer).toMatchObject({ parameter, error: answer.detail, title: 'Bad Request', type: 'about:blank' });
    expect(answer.valid_types).toEqual(parameter === 'type' ? ['metrics', 'logs', 'health'] : undefined);
  });

  test.each(['/api/data/catalog', '/api/data/retention'])('%s has no parameters', async (path) => {
    stand = await openStand([app]);
    const { status, json } = await stand.get(`${path}?days=1`);
    expect([status, problemAnswer.parse(json()).parameter]).toEqual([400, 'days']);
    expect((await stand.get(path)).status).toBe(200);
  });

  test('never makes a server error, whatever it is', async () => {
    stand = await openStand([app]);
    const name = fc.oneof(fc.constantFrom(...Object.keys(queryParameters.shape)), fc.string());
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        'logs',
        'metrics',
        'health',
        '1',
        '-1',
        '1e9',
        '-2h',
        'now',
        'ndjson',
        'csv',
        'oldest',
        'a>=1',
        'a.b^=x',
        '__proto__',
        '[]',
      ),
    );
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 });
    const search = fc.oneof(
      pairs.map((all) => ['type=logs', ...all.map(([k, v]) => `${escapeAny(k)}=${escapeAny(v)}`)].join('&')),
      fc.string({ unit: fc.constantFrom(...'abctype=&%+;?/\\"<>[]{}0159logs') }).map((text) => text.replaceAll(' ', '')),
    );
    await fc.assert(
      fc.asyncProperty(search, async (query) => {
        const { status, headers, text } = await stand.get(`/api/data/query?${query}`);
        expect([200, 400]).toContain(status);
        if (status === 400) expect(problemAnswer.parse(JSON.parse(text)).status).toBe(400);
        expect(headers['x-content-type-options']).toBe('nosniff');
      }),
      { numRuns: 300 },
    );
    expect(stand.errors).toEqual([]);
  });
});

describe('a request', () => {
  test('for what is not there is told what is', async () => {
    stand = await openStand([]);
    const { status, json } = await stand.get('/api/data/qery?type=logs');
    expect(status).toBe(404);
    expect(problemAnswer.parse(json())).toMatchObject({
      code: 'ERR_NOT_FOUND',
      routes: expect.arrayContaining(['/api/data/query', '/docs']),
    });
    expect((await stand.get('/%zz')).json()).toMatchObject({ status: 400 });
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])('with %s is a 405', async (method) => {
    stand = await openStand([]);
    const { status, headers, json } = await stand.get('/api/data/query/?type=logs', { method });
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(problemAnswer.parse(json()).code).toBe('ERR_METHOD');
    expect((await stand.get('/nowhere', { method })).status).toBe(404);
  });

  test('with HEAD has the length and no body', async () => {
    stand = await openStand([app]);
    const path = `/api/data/query?type=metrics&${ALL}`;
    const [head, whole] = [await stand.get(path, { method: 'HEAD' }), await stand.get(path)];
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', whole.headers['content-length']]);
  });

  test('under a foreign name is refused on a loopback address', async () => {
    stand = await openStand([]);
    for (const host of ['evil.example', 'evil.example:8000', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1']) {
      const { status, json } = await stand.get('/-/healthy', { headers: { host } });
      expect([host, status, json().code]).toEqual([host, 403, 'ERR_HOST']);
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:9', '[::1]:8000']) {
      expect((await stand.get('/-/healthy', { headers: { host } })).status).toBe(200);
    }
  });

  test('under any name is answered on another address', async () => {
    stand = await openStand([], { listen: '0.0.0.0:0' });
    expect((await stand.get('/-/healthy', { headers: { host: 'agent.example' } })).status).toBe(200);
  });

  test('is answered with security headers whatever comes of it', async () => {
    stand = await openStand([]);
    for (const path of ['/', '/docs', '/nowhere', '/%zz', '/api/data/query', '/metrics']) {
      const { headers } = await stand.get(path);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'cache-control': 'no-store' });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });

  test('that offers to change to HTTP/2 is answered in HTTP/1.1', async () => {
    stand = await openStand([]);
    const socket = connect(stand.port, '127.0.0.1');
    socket.write(
      'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toContain('{"status":"ok"}');
  });
});

test('what nobody expected is logged, and not shown', async () => {
  stand = await openStand([], {
    agent: {
      query: async () => {
        throw new TypeError('secret password in /etc/shadow');
      },
    },
  });
  const { status, text, json } = await stand.get('/api/data/query?type=logs');
  expect(status).toBe(500);
  expect(text).not.toMatch(/secret|TypeError|\.ts/);
  const answer = problemAnswer.parse(json());
  expect(answer.instance).toBe(`urn:uuid:${answer['request_id']}`);
  expect(stand.errors).toMatchObject([{ fields: { request_id: answer['request_id'], error: 'secret password in /etc/shadow' } }]);
});

test('a client that goes away ends its query', async () => {
  let seen: AbortSignal | undefined;
  const waiting = {
    type: 'logs',
    query: {
      // biome-ignore lint/correctness/useYield: it waits until nobody asks any more
      async *run(_query: unknown, { signal }: { signal: AbortSignal }) {
        seen = signal;
        await once(signal, 'abort');
      },
    },
  };
  stand = await openStand([member('app', waiting), member('down', broken('logs', 'x'))]);
  const socket = connect(stand.port, '127.0.0.1');
  socket.write('GET /api/data/query?type=logs HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await vi.waitFor(() => expect(seen).toBeDefined(), 5000);
  expect(seen?.aborted).toBe(false);
  socket.destroy();
  await vi.waitFor(() => expect(seen?.aborted).toBe(true), 5000);
  expect(stand.errors).toEqual([]);
});

test('a stop lets running requests end', async () => {
  let asked = false;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = {
    type: 'logs',
    query: {
      async *run() {
        asked = true;
        await released;
        yield rowsOf(['{"n":1}']);
      },
    },
  };
  stand = await openStand([member('app', slow)]);
  const answer = stand.get(`/api/data/query?type=logs&${ALL}`);
  await vi.waitFor(() => expect(asked).toBe(true), 5000);
  const stopped = stand.sink.stop?.();
  release();
  expect((await answer).json().count).toBe(1);
  await stopped;
  await expect(stand.get('/-/healthy')).rejects.toThrow(/ECONNREFUSED/);
});

/** Lone surrogates cannot stand in a URL. */
function escapeAny(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
