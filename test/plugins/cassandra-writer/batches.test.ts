import type { types } from 'cassandra-driver';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Entry } from '../../../core/contract/index.ts';
import { HOUR, hourOf, partitionOf } from '../../../plugins/cassandra/keys.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { entry, nowPlus, openStage, type Stage } from './writer-stage.ts';

describeWithCassandra('a batch of lines', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage?.close());

  it('is stored line by line, over many hours, services and sources, and once however often it is written', async () => {
    const lines = Array.from({ length: 2000 }, (_, n): Entry => {
      const body = { n, message: `line ${n}`, request_id: `req-${n % 700}`, ...(n % 3 > 0 && { service: `service-${n % 3}` }) };
      return entry(`many.${n}`, body, { time: nowPlus(-600 * n), source: n % 2 === 0 ? 'app' : 'errors' });
    });
    expect(await stage.sink.write(lines)).toEqual([]);
    const rows = await stage.rows('id, service, source, time, body');
    expect(rows.size).toBe(2000);
    for (const line of lines) {
      const service = line.body['service'] ?? line.source;
      expect(rows.get(line.id)).toMatchObject({ service, source: line.source, time: BigInt(line.time), body: line.json });
    }
    const pointers = await stage.run('SELECT request_id, id FROM %.application_logs_by_request');
    expect(pointers.map(({ request_id, id }) => `${id} ${request_id}`).sort()).toEqual(
      lines.map(({ id, body }) => `${id} ${body['request_id']}`).sort(),
    );

    expect(await stage.sink.write(lines.slice(500))).toEqual([]);
    const again = await stage.run('SELECT id, body FROM %.application_logs');
    expect(again.length).toBe(2000);
    for (const { id, body } of again) expect(rows.get(id as string)?.['body']).toBe(body);
    expect((await stage.run('SELECT id FROM %.application_logs_by_request')).length).toBe(2000);
  });

  it('keeps lines of the same millisecond, and of the same microsecond, apart', async () => {
    const time = nowPlus(-60);
    const lines = Array.from({ length: 10 }, (_, n) => entry(`same.${n}`, { n }, { time: n < 5 ? time + n : time }));
    expect(await stage.sink.write(lines)).toEqual([]);
    const rows = await stage.rows();
    expect(lines.map(({ id }) => rows.get(id)?.['body'])).toEqual(lines.map(({ json }) => json));
  });

  it('takes nothing for nothing', async () => {
    expect(await stage.sink.write([])).toEqual([]);
    expect((await stage.run('SELECT minute FROM %.log_batches')).length).toBe(0);
  });

  it('rejects a line that is longer than the nodes take, and writes those beside it', async () => {
    const time = hourOf(nowPlus(-3600)) + 5;
    const lines = Array.from({ length: 300 }, (_, n) => entry(`beside.${n}`, { n }, { time }));
    const long = [17, 200].map((n) => entry(`long.${n}`, { text: 'x'.repeat(n === 17 ? 6 * 2 ** 20 : 18 * 2 ** 20) }, { time }));
    const rejected = await stage.sink.write([...lines.slice(0, 100), ...long, ...lines.slice(100)]);
    expect(rejected.map(({ id }) => id).sort()).toEqual(['long.17', 'long.200']);
    for (const { reason } of rejected) expect(reason).toMatch(/oversized|too big/i);
    expect([...(await stage.rows()).keys()].sort()).toEqual(lines.map(({ id }) => id).sort());
  });

  it('finds the line that is refused among those of one statement', async () => {
    const time = hourOf(nowPlus(-3600)) + 5;
    const lines = Array.from({ length: 400 }, (_, n) => entry(`among.${n}`, { n }, { time }));
    // No source yields that; it is short, and refused, so that it goes together with others.
    const bad = { ...entry('among.bad', {}, { time }), json: 5 as unknown as string };
    const given = lines.toSpliced(200, 0, bad);
    const rejected = await stage.sink.write(given);
    expect(rejected.map(({ id }) => id)).toEqual(['among.bad']);
    expect((await stage.rows()).size).toBe(400);
  });

  it('lives as long as its own time says', async () => {
    const day = 86_400;
    const keep = 90 * day;
    const ages: [string, number][] = [
      ['ttl.young', -10],
      ['ttl.old', -89 * day],
      ['ttl.future', 5 * day],
    ];
    const lines = ages.map(([id, seconds]) => entry(id, { request_id: id }, { time: nowPlus(seconds) }));
    expect(await stage.sink.write(lines)).toEqual([]);
    const rows = await stage.rows('id, TTL(body) AS line');
    const pointers = new Map(
      (await stage.run('SELECT id, TTL(service) AS line FROM %.application_logs_by_request')).map((row) => [row['id'], row]),
    );
    for (const [id, seconds] of ages) {
      const wanted = keep + Math.min(0, seconds);
      for (const ttl of [rows.get(id)?.['line'], pointers.get(id)?.['line']] as number[]) {
        expect(ttl, id).toBeLessThanOrEqual(wanted);
        expect(ttl, id).toBeGreaterThan(wanted - 600);
      }
    }
  });

  it('is left without the lines that are too old, which is told once and counted', async () => {
    const old = Array.from({ length: 3 }, (_, n) => entry(`old.${n}`, {}, { time: nowPlus(-90 * 86_400 - 1) }));
    expect(await stage.sink.write([...old, entry('young', {})])).toEqual([]);
    expect(await stage.sink.write(old)).toEqual([]);
    expect([...(await stage.rows()).keys()]).toEqual(['young']);
    await stage.sink.stop();
    const told = stage.sink.told.filter(({ text }) => text.includes('old'));
    expect(told.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { keep_seconds: 90 * 86_400 }],
      ['info', { count: 6 }],
    ]);
  });

  it('is told to followers and to whoever counts, hour by hour', async () => {
    const hour = hourOf(nowPlus(-7200));
    const lines = [
      entry('told.1', { service: 'a' }, { time: hour + 1 }),
      entry('told.2', { service: 'a', level: ['x'] }, { time: hour + 3 }),
      entry('told.3', { service: 'a' }, { time: hour + HOUR }),
      entry('told.4', { service: 'b' }, { time: hour + 2 }),
    ];
    const before = Date.now();
    await stage.sink.write(lines);
    const after = Date.now();
    const of = (service: string, at: number) => lines.filter(({ body, time }) => body['service'] === service && hourOf(time) === at);
    const batches = await stage.run(
      'SELECT minute, at, service, hour, shards, oldest, newest, lines, begun, TTL(service) AS ttl FROM %.log_batches',
    );
    expect(batches.length).toBe(3);
    for (const { minute, at, service, hour: of_hour, shards, oldest, newest, lines: count, begun, ttl } of batches) {
      const told = of(service as string, (of_hour as Date).getTime() * 1000);
      const times = told.map(({ time }) => time);
      expect([count, Number(oldest), Number(newest)]).toEqual([told.length, Math.min(...times), Math.max(...times)]);
      const wanted = told.map(({ id, time }) => partitionOf(service as string, time, id, 8).shard);
      expect(shards).toEqual([...new Set(wanted)].sort());
      const written = (at as types.TimeUuid).getDate().getTime();
      expect((minute as Date).getTime()).toBe(Math.floor(written / 60_000) * 60_000);
      expect((begun as Date).getTime()).toBeGreaterThanOrEqual(before);
      expect((begun as Date).getTime()).toBeLessThanOrEqual(written);
      expect(written).toBeLessThanOrEqual(after);
      expect(ttl).toBeGreaterThan(7 * 86_400 - 600);
    }
    const directory = await stage.run('SELECT day, hour, service, writer, lists, WRITETIME(touched) AS written FROM %.log_hours');
    const listed = directory.map(({ hour: at, service, lists }) => `${((at as Date).getTime() * 1000 - hour) / HOUR} ${service} ${lists}`);
    expect(listed.sort()).toEqual(['0 a true', '0 b null', '1 a null']);
    for (const { writer } of directory) expect(writer).toMatch(/^here\/ship\/[0-9a-f]{8}$/);
  });

  it('leaves what was told of lists when lines without come', async () => {
    await stage.sink.write([entry('lists.1', { level: ['x'] })]);
    await stage.sink.write([entry('lists.2', { level: 'x' })]);
    expect((await stage.run('SELECT lists FROM %.log_hours')).map(({ lists }) => lists)).toContain(true);
  });

  it('touches its hours before the lines and again after them, each writer for itself', async () => {
    const other = stage.another({}, 'other');
    await other.ready();
    const touched = async () =>
      new Map(
        (await stage.run('SELECT writer, touched FROM %.log_hours')).map(({ writer, touched }) => [
          // Behind its last slash is what names this start of it.
          (writer as string).replace(/\/[^/]*$/, ''),
          touched as types.TimeUuid,
        ]),
      );
    const line = entry('touch.1', {});
    await stage.sink.write([line]);
    const [written] = await stage.run('SELECT WRITETIME(body) AS at FROM %.application_logs');
    const first = await touched();
    expect(first.size).toBe(1);
    const [directory] = await stage.run('SELECT WRITETIME(touched) AS at FROM %.log_hours');
    expect(directory?.['at'] as bigint).toBeGreaterThan(written?.['at'] as bigint);
    await other.write([line]);
    const second = await touched();
    await other.stop();
    expect([...second.keys()].sort()).toEqual(['here/other', 'here/ship']);
    expect(String(second.get('here/ship'))).toBe(String(first.get('here/ship')));
  });

  it('stops when it is told to, and can be written again', async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => entry(`stop.${n}`, { request_id: `r${n}` }));
    const controller = new AbortController();
    const reason = new Error('the test wants it to end');
    const writing = stage.sink.write(lines, controller.signal);
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    await expect(stage.sink.write(lines, controller.signal)).rejects.toBe(reason);
    expect(await stage.sink.write(lines)).toEqual([]);
    expect((await stage.rows('id')).size).toBe(3000);
  });
});
