import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { PermanentError } from '../../../core/contract/index.ts';
import type { Member } from '../../../core/query/member.ts';
import plugin from '../../../plugins/http-query-api/index.ts';
import { RecordStage, ROW, TIMED, TOKEN } from './record-stage.ts';
import { member, memorySource } from './stand.ts';

let stage: RecordStage;
beforeEach(async () => {
  stage = await RecordStage.open();
});
afterEach(() => stage.close());

describe('who may write', () => {
  it('nobody, unless a token is configured', async () => {
    await stage.serve({});
    const { status, json } = await stage.post(ROW);
    expect([status, json.code]).toEqual([403, 'ERR_WRITES_OFF']);
    expect(json.detail).toContain('write_token');
  });

  test.each([
    [null, 'Bearer realm="cauce"'],
    ['another-token-of-the-same', 'Bearer realm="cauce", error="invalid_token"'],
    [`${TOKEN}x`, 'Bearer realm="cauce", error="invalid_token"'],
  ])('not who has the token %s', async (token, challenge) => {
    await stage.serve();
    const { status, headers, json } = await stage.post('not even JSON', { token });
    expect([status, headers.get('www-authenticate'), json.code]).toEqual([401, challenge, 'ERR_TOKEN']);
    expect(JSON.stringify(json)).not.toContain(TOKEN);
  });

  it('who has the token of the file, whichever it is now', async () => {
    const file = join(stage.table.folder, 'token');
    await writeFile(file, `${TOKEN}\n`);
    await stage.serve({ write_token_file: file });
    expect((await stage.post(ROW)).status).toBe(201);
    await writeFile(file, 'another-token-of-the-same');
    expect([(await stage.post(ROW)).status, (await stage.post(ROW, { token: 'another-token-of-the-same' })).status]).toEqual([401, 201]);
    await writeFile(file, 'short');
    expect((await stage.post(ROW, { token: 'short' })).json).toMatchObject({ status: 503, code: 'ERR_TOKEN_FILE' });
    await rm(file);
    expect((await stage.post(ROW)).json.detail).toContain('ENOENT');
    expect(JSON.stringify(stage.stand.errors)).not.toContain('another-token');
  });

  it('a token keeps no line break that its secret ended with', () => {
    expect(plugin.options.parse({ write_token: `${TOKEN}\n` })).toMatchObject({ write_token: TOKEN });
  });

  test.each([[{ write_token: 'short' }], [{ write_token: `${TOKEN} with blanks` }], [{ write_token: TOKEN, write_token_file: '/token' }]])(
    'a configuration of %j is refused, and not repeated',
    (options) => {
      const { success, error } = plugin.options.safeParse(options);
      expect(success).toBe(false);
      expect(error?.message).not.toContain(TOKEN);
    },
  );
});

describe('what is asked for', () => {
  const mysql = (): Member => member('mysql', { type: 'metrics', append: async () => [] });

  it('is the one source that can be added to', async () => {
    await stage.serve({ write_token: TOKEN }, [member('read', memorySource('metrics', [])), member('logs', memorySource('logs', []))]);
    expect((await stage.post(TIMED)).json.source).toBe('dora');
    expect((await stage.post(TIMED, { query: '?source=dora' })).status).toBe(201);
  });

  test.each([
    ['', /several metrics sources can be added to.*dora, mysql/],
    ['?source=read', /read cannot be added to: it is read-only \(sources that can: dora, mysql\)/],
    ['?source=logs', /"logs" is of type logs, not metrics/],
    ['?source=dorra', /no source "dorra"; did you mean dora\?/],
    ['?source=dora&source=mysql', /name of one source/],
    ['?sorce=dora', /unknown parameter "sorce"; did you mean source\?/],
  ])('%s is refused', async (query, detail) => {
    await stage.serve({ write_token: TOKEN }, [
      mysql(),
      member('read', memorySource('metrics', [])),
      member('logs', memorySource('logs', [])),
    ]);
    const { status, json } = await stage.post(TIMED, { query });
    expect(status).toBe(400);
    expect(json.detail).toMatch(detail);
  });

  it('is a 503 when the source is down, and a 504 when it hangs', async () => {
    const down: Member = { name: 'down', type: 'metrics', label: 'down', mirror: false, error: 'no password' };
    const hanging = member('hanging', { type: 'metrics', append: () => new Promise(() => undefined) });
    const refusing = member('refusing', { type: 'metrics', append: () => Promise.reject(new PermanentError('it is full')) });
    await stage.serve({ write_token: TOKEN }, [down, hanging, refusing, mysql()], 200);
    expect((await stage.post(TIMED, { query: '?source=refusing' })).json).toMatchObject({
      status: 503,
      detail: 'refusing failed, and nothing was added: it is full',
    });
    expect((await stage.post(TIMED, { query: '?source=down' })).json).toMatchObject({
      status: 503,
      detail: expect.stringContaining('no password'),
    });
    expect((await stage.post(TIMED, { query: '?source=hanging' })).json).toMatchObject({ status: 504, code: 'ERR_SOURCES_TIMEOUT' });
    expect((await stage.post(TIMED, { query: '?source=mysql' })).json).toMatchObject({ status: 500, code: 'ERR_INTERNAL' });
  });
});

describe('the protocol', () => {
  it('takes JSON only, of at most 1 MiB', async () => {
    await stage.serve();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', '']) {
      const { status, headers, json } = await stage.post(TIMED, { headers: { 'content-type': type } });
      expect([status, json.code, headers.get('accept')]).toEqual([415, 'ERR_MEDIA_TYPE', 'application/json']);
    }
    const packed = await stage.post(TIMED, { headers: { 'content-encoding': 'gzip' } });
    expect([packed.status, packed.json.code, packed.headers.get('accept-encoding')]).toEqual([415, 'ERR_MEDIA_TYPE', 'identity']);
    expect((await stage.post(TIMED, { headers: { 'content-encoding': 'Identity' } })).status).toBe(201);
    expect((await stage.post(TIMED, { headers: { 'content-type': 'Application/JSON; charset=UTF-8' } })).status).toBe(201);
    const large = await stage.post(`[${' '.repeat(1024 * 1024)}]`);
    expect([large.status, large.json.code]).toEqual([413, 'ERR_TOO_LARGE']);
  });

  it('answers other methods with what is possible', async () => {
    await stage.serve();
    const asked = await stage.stand.get('/api/data/metrics');
    expect([asked.status, asked.headers['allow']]).toEqual([405, 'POST']);
    const sent = await stage.stand.get('/api/data/query?type=metrics', { method: 'POST' });
    expect([sent.status, sent.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect((await stage.stand.get('/api/data/metrics', { method: 'OPTIONS' })).status).toBe(405);
    expect((await stage.stand.get('/nothing', { method: 'POST' })).status).toBe(404);
  });

  it('answers only to its own names', async () => {
    await stage.serve();
    const headers = { host: 'evil.example', authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    expect((await stage.stand.get('/api/data/metrics', { method: 'POST', headers })).json()).toMatchObject({
      status: 403,
      code: 'ERR_HOST',
    });
  });

  it('refuses a body behind an offer of another protocol, which Node does not read', async () => {
    await stage.serve();
    const socket = connect(stage.stand.port, '127.0.0.1');
    const head = ['POST /api/data/metrics HTTP/1.1', 'host: localhost', 'connection: upgrade', 'upgrade: h2c', 'content-length: 2'];
    socket.write(`${head.join('\r\n')}\r\n\r\n{}`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 400 [\s\S]*ERR_UPGRADE/);
    socket.destroy();
  });

  it('is in the OpenAPI document', async () => {
    await stage.serve();
    const document = (await stage.stand.get('/openapi.json')).json();
    const { post: operation, get } = document.paths['/api/data/metrics'];
    expect(get).toBeUndefined();
    expect(Object.keys(operation.responses)).toEqual(['201', '400', '401', '403', '409', '413', '415', '503', '504']);
    expect(document.components.securitySchemes.writeToken).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('never makes a server error of a body, nor half a row', async () => {
    await stage.serve();
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('2025-11-07T02:00:00Z', 'go', -0, 1e21, '1', '12.50', '__proto__'));
    const field = fc.oneof(fc.constantFrom(...Object.keys(TIMED), 'id', '__proto__', 'constructor'), fc.string());
    const body = fc.oneof(
      fc.dictionary(field, value).map((more) => ({ ...TIMED, ...more })),
      fc.array(fc.dictionary(field, value), { maxLength: 5 }),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const before = await stage.rows();
        const { status, json } = await stage.post(given);
        expect([201, 400, 409]).toContain(status);
        expect(await stage.rows()).toHaveLength(before.length + (json.added ?? 0));
      }),
      { numRuns: process.env['CAUCE_TEST_LONG'] ? 3000 : 150 },
    );
    expect(stage.stand.errors).toEqual([]);
  });
});
