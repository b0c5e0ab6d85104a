import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOf } from '../../../core/conformance/stand.ts';
import { formatTime, type StatsQuery } from '../../../core/contract/index.ts';
import type { Table } from '../../../core/table/index.ts';
import { tableVolume } from '../../../core/table/volume.ts';
import { SqliteDatabase } from '../../../plugins/sqlite-metrics/database.ts';
import { describeWithMariaDb, type MariaDb, startMariaDb } from '../../mariadb/server.ts';
import { open as openMysql } from '../../plugins/mysql-metrics/stage.ts';
import { Stage } from '../../plugins/sqlite-metrics/stage.ts';
import { statsTruths } from './stats-truths.ts';
import { TRUTH_COLUMNS, type TruthRow } from './truth-rows.ts';
import type { TruthPlace } from './truths.ts';

const stored = (time: number) => formatTime(time).replace('T', ' ').replace('Z', '');

describe.each(['TEXT', 'TEXT COLLATE NOCASE', 'TEXT COLLATE RTRIM'])('in SQLite, with a %s', (word) => {
  statsTruths({ describe, it: it as never }, async () => {
    const stage = await Stage.open();
    stage.sql(`CREATE TABLE truths (id INTEGER PRIMARY KEY, word ${word}, whole BIGINT, amount DECIMAL(10,2), ratio DOUBLE,
      flag BOOLEAN, facts JSON, seen TEXT, bytes BLOB, at DATETIME NOT NULL)`);
    const source = await stage.started({ table: 'truths', time_column: 'at' });
    // The plugin leaves to the core what would take long within this process; here all of it is asked of SQL.
    const { stats: inSql } = source;
    const stats = inSql && {
      run: inSql.run,
      async plan(query: StatsQuery) {
        try {
          for await (const rows of inSql.run(query, runOf(stage.signal))) expect(rows).toBeDefined();
          return true;
        } catch (error) {
          if (/was not planned/.test(String(error))) return false;
          throw error;
        }
      },
    };
    return {
      source: { ...source, ...(stats && { stats }) },
      async fill(rows) {
        stage.sql('DELETE FROM truths');
        const names = TRUTH_COLUMNS.map((name) => `"${name}"`).join(', ');
        if (rows.length > 0) stage.sql(`INSERT INTO truths (${names}) VALUES (?,?,?,?,?,?,?,?,?)`, ...rows.map(inSqlite));
      },
      close: () => stage.close(),
    };
  });
});

describeWithMariaDb('in MariaDB', () => {
  let db: MariaDb;
  beforeAll(async () => {
    db = await startMariaDb();
  });
  afterAll(() => db.remove());

  describe.each(['utf8mb4_general_ci', 'utf8mb4_bin'])('with texts in %s', (collation) => {
    statsTruths({ describe, it: it as never }, async (): Promise<TruthPlace> => {
      await db.query(`CREATE OR REPLACE TABLE truths (id BIGINT PRIMARY KEY AUTO_INCREMENT, word TEXT COLLATE ${collation}, whole BIGINT, amount DECIMAL(10,2),
        ratio DOUBLE, flag BOOLEAN, facts JSON, seen DATETIME(6), bytes BLOB, at DATETIME(6) NOT NULL)`);
      const opened = await openMysql({ url: db.url, table: 'truths', time_column: 'at' });
      return {
        source: opened.source,
        async fill(rows) {
          await db.query('DELETE FROM truths');
          if (rows.length > 0) await db.query(`INSERT INTO truths (${TRUTH_COLUMNS.join(', ')}) VALUES ?`, [rows.map(inMysql)]);
        },
        close: opened.close,
      };
    });
  });
});

describe('the volume of a large table', () => {
  it('is told from how densely its keys are used', async () => {
    const stage = await Stage.open();
    // Every third key, as a cluster of three servers gives them, and the first 10,000 deleted long ago.
    stage.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME NOT NULL)');
    stage.sql('INSERT INTO t VALUES (?, ?)', ...Array.from({ length: 3000 }, (_, n) => [30_000 + 3 * n, stored(n * 1_000_000)]));
    const database = new SqliteDatabase(stage.path);
    await database.open(stage.signal);
    const column = { nullable: false, defaulted: false };
    const key = { ...column, field: 'id', column: 'id', kind: 'integer' } as const;
    const time = { ...column, field: 'at', column: 'at', kind: 'time' } as const;
    const table: Table = { name: 't', columns: [key, time], key, time, indexed: new Set(), identity: [] };
    const run = runOf(stage.signal);
    const times = { oldest: 0, newest: 2_999_000_000 };
    const estimate = await tableVolume({ database, table: () => table, counted: 100 })(run);
    expect(estimate).toEqual({ entries: expect.any(Number), estimated: true, ...times });
    expect(Math.abs((estimate.entries ?? 0) - 3000)).toBeLessThan(60);
    expect(await tableVolume({ database, table: () => table, counted: 3000 })(run)).toEqual({ entries: 3000, ...times });
    await database.close();
    await stage.close();
  });
});

function inSqlite({ seen, at, flag, ...row }: TruthRow) {
  const { word, whole, amount, ratio, facts, bytes } = row;
  return [
    word,
    whole,
    amount,
    ratio,
    flag === null ? null : Number(flag),
    facts,
    seen === null ? null : formatTime(seen),
    bytes,
    stored(at),
  ];
}

function inMysql({ seen, at, whole, ...row }: TruthRow) {
  const { word, amount, ratio, flag, facts, bytes } = row;
  return [word, whole === null ? null : String(whole), amount, ratio, flag, facts, seen === null ? null : stored(seen), bytes, stored(at)];
}
