import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { RequestError } from '../../../core/contract/index.ts';
import { isSameOrigin } from '../../../plugins/websocket-stream/admission.ts';
import { Encoder } from '../../../plugins/websocket-stream/encoder.ts';
import { decodePositions } from '../../../plugins/websocket-stream/positions.ts';
import { encodePosition, live, openStand, type Stand } from './stand.ts';

const app = live('app').member;

describe('a refusal', () => {
  let stand: Stand;
  afterEach(() => stand.close());

  test.each([
    ['', 'type'],
    ['?type=invalid', 'type'],
    ['?type=logs&policy=some', 'policy'],
    ['?type=logs&policy=latest&policy=complete', 'policy'],
    ['?type=logs&after=', 'after'],
    ['?type=logs&after=***', 'after'],
    ['?type=logs&after=bm90IGpzb24', 'after'],
    [`?type=logs&after=${encodePosition({ app: 'x' })}`, 'after'],
    [`?type=logs&after=${encodePosition({ app: { '': 5 } })}`, 'after'],
    ['?type=logs&source=nobody', 'source'],
    ['?type=logs&where==', 'where'],
    ['?type=logs&limit=5', 'limit'],
  ])('of %s is a 400 that names %s', async (search, parameter) => {
    stand = await openStand([app]);
    const { status, problem } = parse(await stand.handshake(search));
    expect(status).toBe(400);
    expect(problem).toMatchObject({ status: 400, parameter, detail: expect.any(String), type: 'about:blank' });
    expect(problem.error).toBe(problem.detail);
    if (parameter === 'type') expect(problem.valid_types).toEqual(['metrics', 'logs', 'health']);
  });

  test('of a plain GET says that this is a WebSocket', async () => {
    stand = await openStand([app]);
    const response = await fetch(`http://127.0.0.1:${stand.port}/api/data/stream?type=logs`);
    expect([response.status, response.headers.get('content-type')]).toEqual([426, 'application/problem+json']);
    expect(response.headers.get('upgrade')).toBe('websocket');
    expect(await response.json()).toMatchObject({ code: 'ERR_UPGRADE_REQUIRED', detail: expect.stringContaining('ws://') });
    expect((await fetch(`http://127.0.0.1:${stand.port}/api/data/stream/x`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${stand.port}/api/data/stream`, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test.each([
    ['a key', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n', 400],
    ['a good key', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n', 400],
    ['a known version', 'Upgrade: websocket\r\nSec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n', 400],
    ['the right protocol', 'Upgrade: h2c\r\n', 426],
  ])('of an upgrade without %s is a problem, and leaves nothing open', async (_what, headers, expected) => {
    stand = await openStand([app]);
    const text = await stand.raw(`GET /api/data/stream?type=logs HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n${headers}\r\n`);
    const { status, problem } = parse(text);
    expect([status, problem.status]).toEqual([expected, expected]);
    expect((await stand.handshake('?type=logs')).slice(0, 12)).toBe('HTTP/1.1 101');
  });

  test('meets pages of other origins and names of other hosts', async () => {
    stand = await openStand([app]);
    const status = async (headers: string) => parse(await stand.handshake('?type=logs', headers)).status;
    expect(await status('Origin: http://evil.example\r\n')).toBe(403);
    expect(await status('Origin: null\r\n')).toBe(403);
    expect(await status(`Origin: http://localhost:${stand.port}\r\n`)).toBe(101);
    const foreign = await stand.raw(
      'GET /api/data/stream?type=logs HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(parse(foreign)).toMatchObject({ status: 403, problem: { code: 'ERR_HOST' } });
  });

  test('meets the client that is one too many, until another leaves', async () => {
    stand = await openStand([app], { options: { max_clients: 2 } });
    const [first] = await Promise.all([stand.connect('type=logs').live(), stand.connect('type=logs').live()]);
    const text = await stand.handshake('?type=logs');
    expect(parse(text)).toMatchObject({ status: 503, problem: { code: 'ERR_BUSY', detail: expect.stringContaining('max_clients') } });
    expect(text).toMatch(/\r\nretry-after: 5\r\n/);
    first?.socket.close();
    await first?.closed;
    await stand.connect('type=logs').live();
  });

  test('is never a server error, whatever the query string', async () => {
    stand = await openStand([app]);
    const name = fc.oneof(fc.constantFrom('type', 'source', 'where', 'search', 'level', 'after', 'policy'), fc.string());
    const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom('logs', 'latest', 'e30', 'a>=1', '__proto__'));
    const search = fc.array(fc.tuple(name, value), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(search, async (pairs) => {
        const query = ['type=logs', ...pairs.map(([key, text]) => `${escapeAny(key)}=${escapeAny(text)}`)].join('&');
        expect([101, 400]).toContain(parse(await stand.handshake(`?${query}`)).status);
      }),
      { numRuns: 150 },
    );
    expect(stand.errors).toEqual([]);
  });
});

test('a page is of this host when its host and port are, and all names of loopback are one', () => {
  const same: [string, string | undefined, boolean][] = [
    ['http://agent:8000', 'agent:8000', true],
    ['https://agent', 'agent', true],
    ['https://agent', 'agent:443', true],
    ['http://localhost:8000', '127.0.0.1:8000', true],
    ['http://[::1]:8000', 'localhost:8000', true],
    ['http://localhost:3000', 'localhost:8000', false],
    ['http://agent:8000', 'agent:8001', false],
    ['http://agent.evil:8000', 'agent:8000', false],
    ['http://localhost.evil:8000', 'localhost:8000', false],
    ['null', 'agent', false],
    ['', 'agent', false],
    ['file://', 'agent', false],
    ['http://agent', undefined, false],
  ];
  for (const [origin, host, expected] of same) expect([origin, host, isSameOrigin(origin, host)]).toEqual([origin, host, expected]);
});

test('a position survives its way through a URL, and nothing else passes for one', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  fc.assert(
    fc.property(fc.dictionary(text, fc.dictionary(text, text)), (position) => {
      expect(decodePositions(encodePosition(position))).toEqual(JSON.parse(JSON.stringify(position)));
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.jsonValue().map(encodePosition)), (any) => {
      try {
        expect(typeof decodePositions(any)).toBe('object');
      } catch (error) {
        expect(error).toBeInstanceOf(RequestError);
      }
    }),
  );
  expect(() => decodePositions(encodePosition({ app: { '': 'x'.repeat(2049) } }))).toThrow(RequestError);
  const large = Object.fromEntries(Array.from({ length: 40 }, (_, lane) => [`lane ${lane}`, 'x'.repeat(2000)]));
  expect(() => decodePositions(encodePosition({ app: large }))).toThrow(/64 KiB/);
});

test('control frames say what happened', () => {
  const encoder = new Encoder();
  const text = (frame: Parameters<Encoder['encode']>[0]) => JSON.parse(encoder.encode(frame).toString());
  const gap = { event: 'gap', source: 'app', count: 3, after: { '': '1' }, until: { '': '4' } } as const;
  expect(text(gap)).toEqual(gap);
  expect(text({ event: 'lost', source: 'app', lost: { lane: 'g1', reason: 'truncated', bytes: 5 } })).toEqual({
    event: 'lost',
    source: 'app',
    lane: 'g1',
    reason: 'truncated',
    bytes: 5,
  });
});

function escapeAny(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

// biome-ignore lint/suspicious/noExplicitAny: a problem is checked by what a test expects of it
function parse(answer: string): { status: number; problem: any } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const status = Number(head.split(' ')[1]);
  return { status, problem: status === 101 ? undefined : JSON.parse(body) };
}
