import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../core/contract/index.ts';
import { describeWithMariaDb, startMariaDb } from '../../mariadb/server.ts';
import { DORA, newest, open } from '../../plugins/mysql-metrics/stage.ts';
import { Stage } from '../../plugins/sqlite-metrics/stage.ts';
import { type Appender, appendTruths } from './append-truths.ts';

const forever = new AbortController().signal;

describe('SQLite', () => {
  appendTruths(async () => {
    const stage = await Stage.open();
    const [one, other] = [await stage.started(), await stage.started()];
    return {
      one,
      other,
      rows: async () => (await stage.bodies(one)).reverse(),
      empty: async () => stage.sql('DELETE FROM dora_metrics'),
      close: () => stage.close(),
    };
  });
});

describe('A failure before the end of the transaction', () => {
  it('says that nothing was added', async () => {
    const stage = await Stage.open();
    const source = await stage.started();
    stage.sql('DROP TABLE dora_metrics');
    const body = { cycle_id: 'c', feature_id: 'f', phase_name: 'p', decision: 'go' };
    await expect(source.append([body], forever)).rejects.toMatchObject({
      code: 'ERR_NOT_ADDED',
      message: expect.stringContaining('dora_metrics'),
    });
    await stage.close();
  });
});

describeWithMariaDb('MariaDB', () => {
  appendTruths(async () => {
    const db = await startMariaDb();
    await db.query(DORA);
    const [one, other] = [await open({ url: db.url, writable: true }), await open({ url: db.url, writable: true })];
    return {
      one: one.source as Appender,
      other: other.source as Appender,
      rows: async () => (await newest(one.source)).reverse(),
      empty: async () => void (await db.query('DELETE FROM dora_metrics')),
      async close() {
        await one.close();
        await other.close();
        await db.remove();
      },
    };
  });
});

describeWithMariaDb("MariaDB's own constraints", () => {
  it('refuse a row, and the source goes on', async () => {
    const db = await startMariaDb();
    try {
      await db.query(
        "CREATE TABLE visits (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, at DATETIME(6) NOT NULL, page VARCHAR(20) UNIQUE, kind ENUM('a','b'), seen INT CHECK (seen > 0)) AUTO_INCREMENT = 9223372036854775900",
      );
      const { source, close } = await open({ url: db.url, table: 'visits', time_column: 'at', writable: true });
      const appender = source as Appender;
      const at = '2025-11-07T02:00:00Z';
      const [first] = await appender.append([{ at, page: '/', kind: 'a', seen: 1 }], forever);
      expect(first).toMatchObject({ status: 'added', entry: { json: expect.stringContaining('"id":9223372036854775900') } });
      for (const [body, status] of [
        [{ at, page: '/', kind: 'b', seen: 1 }, 'conflict'],
        [{ at, page: '/c', kind: 'c', seen: 1 }, 'invalid'],
        [{ at, page: '/d', kind: 'a', seen: 0 }, 'invalid'],
      ] as const) {
        expect(await appender.append([body], forever)).toMatchObject([{ status }]);
      }
      expect(await appender.append([{ at, page: '/e', kind: 'b', seen: 2 }], forever)).toMatchObject([{ status: 'added' }]);
      expect(await newest(source)).toHaveLength(2);
      await close();
    } finally {
      await db.remove();
    }
  });
});

describeWithMariaDb('a time column of MariaDB without microseconds', () => {
  it.each(['DATETIME', 'TIMESTAMP(3)'])('%s is too coarse to know a request by its time', async (type) => {
    const db = await startMariaDb();
    try {
      await db.query(`CREATE TABLE visits (id BIGINT AUTO_INCREMENT PRIMARY KEY, at ${type} NOT NULL, page VARCHAR(20))`);
      const { source, close } = await open({ url: db.url, table: 'visits', time_column: 'at', writable: true });
      const appender = source as Appender;
      const time = Date.UTC(2025, 10, 7) * 1000;
      const refused = await appender.append([{ page: '/' }, { page: '/a', at: '2025-11-07T02:00:00Z' }], forever, time);
      expect(refused).toMatchObject([{ status: 'invalid', field: 'at' }, { status: 'skipped' }]);
      const bodies = [{ page: '/', at: '2025-11-07T02:00:00Z' }];
      expect(await appender.append(bodies, forever, time)).toMatchObject([{ status: 'added' }]);
      expect(await appender.append(bodies, forever, time)).toMatchObject([{ status: 'present' }]);
      await close();
    } finally {
      await db.remove();
    }
  });
});

describe('a table of somebody else', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  async function add(table: string, options: JsonObject, bodies: readonly JsonObject[]) {
    stage = await Stage.open();
    stage.sql(table);
    const source = await stage.started(options);
    const results = await source.append(bodies, forever);
    return { source, results, rows: (await stage.bodies(source)).reverse() };
  }

  const AT = '2025-11-07T02:00:00Z';

  it('without identity columns holds two observations of one time, and each of them once', async () => {
    const table = 'CREATE TABLE visits (id INTEGER PRIMARY KEY, at DATETIME, page TEXT, seen INTEGER, share REAL, ok BOOLEAN, raw BLOB)';
    const options = { table: 'visits', time_column: 'at' };
    const body = { at: AT, page: '/', seen: '9007199254740993', share: 0.1, ok: true, raw: 'AAECAw==' };
    const { results, rows } = await add(table, options, [
      body,
      { ...body, page: '/a' },
      { at: AT, page: null },
      body,
      { at: AT, page: null },
    ]);
    expect(results.map(({ status }) => status)).toEqual(['added', 'added', 'added', 'present', 'present']);
    expect(rows).toHaveLength(3);
    expect(results[0]).toMatchObject({
      entry: { json: expect.stringContaining('"seen":9007199254740993,"share":0.1,"ok":true,"raw":"AAECAw=="') },
    });
  });

  it('keeps a value as it was given, or says that it cannot', async () => {
    const table = 'CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, amount DECIMAL(30,10))';
    const { results, rows } = await add(table, { table: 't', time_column: 'at' }, [{ at: AT, amount: '12345678901234567890.0123456789' }]);
    expect(results).toEqual([{ status: 'invalid', field: 'amount', reason: expect.stringMatching(/would be stored as 1234567890123456/) }]);
    expect(rows).toEqual([]);
  });

  it('refuses by its own constraints, and says so of the row', async () => {
    const table = 'CREATE TABLE visits (id INTEGER PRIMARY KEY, at DATETIME, page TEXT UNIQUE, seen INTEGER CHECK (seen > 0))';
    const options = { table: 'visits', time_column: 'at' };
    const { source, results } = await add(table, options, [{ at: AT, page: '/', seen: 1 }]);
    expect(results).toMatchObject([{ status: 'added' }]);
    const twice = await source.append(
      [
        { at: AT, page: '/a', seen: 2 },
        { at: '2025-11-08T02:00:00Z', page: '/', seen: 1 },
      ],
      forever,
    );
    expect(twice).toMatchObject([{ status: 'skipped' }, { status: 'conflict', reason: expect.stringContaining('UNIQUE') }]);
    const wrong = await source.append([{ at: AT, page: '/b', seen: 0 }], forever);
    expect(wrong).toMatchObject([{ status: 'invalid', reason: expect.stringContaining('CHECK') }]);
    expect(await stage.bodies(source)).toHaveLength(1);
  });

  it('is not added to when its key is not given by the database', async () => {
    await expect(
      add('CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, at DATETIME)', { table: 't', time_column: 'at' }, [{ at: AT }]),
    ).rejects.toThrow(/its key id is no number that the database gives/);
  });
});
