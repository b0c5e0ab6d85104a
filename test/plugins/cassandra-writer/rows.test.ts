import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Entry, JsonObject } from '../../../core/contract/index.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { entry, openStage, type Stage } from './writer-stage.ts';

describeWithCassandra('a line as a row', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

  async function stored(one: Entry): Promise<Record<string, unknown>> {
    expect(await stage.sink.write([one])).toEqual([]);
    const row = (await stage.rows()).get(one.id);
    expect(row, one.id).toBeDefined();
    return { ...row };
  }

  it('has the fields that it has as columns, and the line as it was written', async () => {
    const body = {
      timestamp: '2026-01-02T03:04:05.678901Z',
      service: 'calls',
      level: 'INFO',
      logger: 'calls.router',
      message: 'routed',
      module: 'router',
      function: 'route',
      line: 120,
      process_id: 4242,
      thread_id: 139_900_000_000_000,
      thread_name: 'MainThread',
      pathname: '/srv/calls/router.py',
      request_id: 'req-1',
      user_id: 7,
      session_id: 's-1',
      further: { nested: [1, 2] },
    };
    const json = `{ "spaces":  true, ${JSON.stringify(body).slice(1)}`;
    const one = entry('row.all', { spaces: true, ...body }, { json, source: 'router' });
    const { timestamp: _timestamp, further: _further, ...columns } = body;
    const row = await stored(one);
    expect(row).toMatchObject({
      ...columns,
      process_id: 4242n,
      thread_id: 139_900_000_000_000n,
      user_id: 7n,
      time: BigInt(one.time),
      host: 'here',
      source: 'router',
      body: json,
    });
    expect((row['hour'] as Date).getTime()).toBe(Math.floor(one.time / 3_600_000_000) * 3_600_000);
  });

  it('leaves columns empty for which a line has nothing of their type', async () => {
    const row = await stored(
      entry('row.odd', { level: 5, message: ['a'], line: 1.5, process_id: '7', user_id: 2 ** 60, thread_name: null }),
    );
    const unset = ['level', 'message', 'line', 'process_id', 'user_id', 'thread_name', 'request_id'];
    expect(unset.map((name) => row[name])).toEqual(unset.map(() => null));
  });

  it('names the agent that read it first, and the source for want of a service', async () => {
    expect(await stored(entry('row.origin', {}, { origin: 'elsewhere', source: 'errors' }))).toMatchObject({
      host: 'elsewhere',
      service: 'errors',
      source: 'errors',
    });
  });

  it.each<[string, JsonObject]>([
    ['no text', { service: 7 }],
    ['an empty one', { service: '' }],
    ['one that is too long for a key', { service: 's'.repeat(100_000) }],
    ['one of 257 bytes', { service: `${'é'.repeat(128)}s` }],
    ['one with NUL', { service: 'a\0b' }],
  ])('takes the source for the service when that is %s', async (name, body) => {
    const row = await stored(entry(`row.service.${name.replaceAll(' ', '-')}`, body));
    expect(row).toMatchObject({ service: 'app', body: JSON.stringify(body) });
  });

  it('keeps a service of 256 bytes, and any character that UTF-8 has', async () => {
    const service = `${'é'.repeat(120)}${'😀'.repeat(3)}\u0001'";`;
    expect(Buffer.byteLength(service)).toBe(256);
    expect(await stored(entry('row.service.256', { service }))).toMatchObject({ service });
  });

  it.each<[string, string]>([
    ['NUL', 'a\0b'],
    ['characters outside the BMP', '😀𝄞'],
    ['lone surrogates', 'a\ud800b\udfff'],
    ['nothing', ''],
    ['quotes and semicolons', `'; DROP TABLE application_logs; --`],
  ])('holds texts with %s', async (name, text) => {
    const body = { service: `svc ${text}`, level: text, message: text, request_id: text };
    const one = entry(`row.text.${name.replaceAll(' ', '-')}`, body);
    const row = await stored(one);
    // UTF-8 has no lone surrogates; the body has them as JSON writes them.
    const told = Buffer.from(text).toString();
    expect(row).toMatchObject({ level: told, message: told, request_id: told, body: one.json });
    expect(JSON.parse(row['body'] as string)).toEqual(body);
  });

  it('holds a lone surrogate that stands in the line itself as UTF-8 can', async () => {
    const one = entry('row.raw-surrogate', {}, { json: '{"a":"\ud800"}', body: { a: '\ud800' } });
    expect((await stored(one))['body']).toBe('{"a":"\ufffd"}');
  });

  it('does not keep long texts twice, and finds no long level by the index', async () => {
    const fits = { level: 'L'.repeat(1024), message: 'm'.repeat(32 * 1024), request_id: 'r'.repeat(1024) };
    expect(await stored(entry('row.fits', fits))).toMatchObject(fits);
    const long = { level: `${'é'.repeat(512)}L`, message: `${'m'.repeat(32 * 1024)}m`, request_id: 'r'.repeat(100_000) };
    const one = entry('row.long', long);
    expect(await stored(one)).toMatchObject({ level: null, message: null, request_id: null, body: one.json });
    const pointers = await stage.run('SELECT id FROM %.application_logs_by_request');
    expect(pointers.map(({ id }) => id)).toContain('row.fits');
    expect(pointers.map(({ id }) => id)).not.toContain('row.long');
  });

  it('is where its request says', async () => {
    const lines = [
      entry('req.text', { request_id: 'R' }),
      entry('req.number', { request_id: 12 }),
      entry('req.list', { request_id: ['R', 'S', 'R', { not: 'one' }, ''], service: 'other' }),
      entry('req.none', { request_id: null }),
    ];
    expect(await stage.sink.write(lines)).toEqual([]);
    const of = async (request: string) =>
      (await stage.run('SELECT id, time, service FROM %.application_logs_by_request WHERE request_id = ?', [request]))
        .map(({ id, service, time }) => [id, service, time])
        .sort();
    const [text, number, list] = lines.map(({ time }) => BigInt(time));
    expect(await of('R')).toEqual([
      ['req.list', 'other', list],
      ['req.text', 'app', text],
    ]);
    expect(await of('S')).toEqual([['req.list', 'other', list]]);
    expect(await of('12')).toEqual([['req.number', 'app', number]]);
    const all = await stage.run('SELECT id FROM %.application_logs_by_request');
    expect(all.map(({ id }) => id)).not.toContain('req.none');
  });
});
