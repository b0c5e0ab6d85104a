import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describe } from '../../../core/contract/index.ts';
import { MysqlDatabase } from '../../../plugins/mysql-metrics/database.ts';
import { loginOf } from '../../../plugins/mysql-metrics/login.ts';
import { options } from '../../../plugins/mysql-metrics/options.ts';
import { describeWithMariaDb, describeWithOwnMariaDb, type MariaDb, startMariaDb, startOwnMariaDb } from '../../mariadb/server.ts';
import { untilRunning } from './stage.ts';

const forever = new AbortController().signal;
const sql = (text: string, ...values: (string | number | bigint | Uint8Array | null)[]) => ({ text, values });

function databaseOf(given: Record<string, unknown>): MysqlDatabase {
  const parsed = options.parse(given);
  const login = loginOf(parsed);
  const place = { at: login.at, user: login.user, table: parsed.table, encrypted: false };
  return new MysqlDatabase({
    login,
    zone: parsed.time_zone,
    timeout: parsed.timeout,
    place,
    table: parsed.table,
    pool: parsed.pool,
    changed: () => undefined,
  });
}

describeWithMariaDb('sessions', () => {
  let db: MariaDb;
  let database: MysqlDatabase;
  beforeAll(async () => {
    db = await startMariaDb();
    await db.query('CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, word VARCHAR(50))');
  });
  afterAll(() => db?.remove());
  beforeEach(async () => {
    await db.query('DELETE FROM t');
    database = databaseOf({ url: db.url, table: 't' });
  });
  afterEach(() => database.close());

  it('are in a known state, whatever the server has set', async () => {
    const [row] = await database.read(
      sql("SELECT @@session.time_zone, @@session.sql_mode, @@character_set_connection, 'a\\\\b', 'x' 'y'"),
      forever,
    );
    expect(row).toEqual(['+00:00', expect.stringMatching(/^STRICT_ALL_TABLES/), 'utf8mb4', 'a\\b', 'xy']);
  });

  it('refuse to write for readers', async () => {
    const refused = await database.read(sql("INSERT INTO t VALUES (1, 'x')"), forever).catch(describe);
    expect(refused).toMatch(/refused a statement on t: .*READ ONLY/i);
  });

  it.each([0n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 53n + 1n])('carry %s as it is', async (value) => {
    expect(await database.read(sql('SELECT CAST(? AS CHAR)', value), forever)).toEqual([[String(value)]]);
  });

  it('carry texts, bytes and limits as they are', async () => {
    const word = `'"\`\\%_\u0000\u001a☃\u{1f600}; DROP TABLE t; -- `;
    expect(await database.read(sql('SELECT ?, ?, ? LIMIT ?', word, new Uint8Array([0, 255]), null, 1), forever)).toEqual([
      [word, Buffer.from([0, 255]), null],
    ]);
  });

  it('end a statement on the server when its signal aborts, and are not used again', async () => {
    const controller = new AbortController();
    const reading = database.read(sql('SELECT SLEEP(60), ?', 'aborted'), controller.signal);
    await untilRunning(db, 'SELECT SLEEP(60)%', true);
    controller.abort(new Error('given up'));
    await expect(reading).rejects.toThrow('given up');
    await untilRunning(db, 'SELECT SLEEP(60)%', false);
    expect(await database.read(sql('SELECT 1'), forever)).toEqual([[1]]);
  });

  it('wait for their turn, and no longer than their signal', async () => {
    const one = databaseOf({ url: db.url, table: 't', pool: 1 });
    const controller = new AbortController();
    const slow = one.read(sql('SELECT SLEEP(0.3)'), forever);
    const waiting = one.read(sql('SELECT 2'), controller.signal);
    const next = one.read(sql('SELECT 3'), forever);
    controller.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    expect(await slow).toEqual([[0]]);
    expect(await next).toEqual([[3]]);
    await one.close();
  });

  it('end a statement that takes too long, and say what to look at', async () => {
    const hurried = databaseOf({ url: db.url, table: 't', timeout: '200ms' });
    await db.query('INSERT INTO t (word) VALUES (1), (2)');
    await expect(hurried.read(sql('SELECT COUNT(*) FROM t a, t b WHERE SLEEP(5) = 0'), forever)).rejects.toThrow(
      /longer than timeout allows.*locked.*index/,
    );
    expect(await hurried.read(sql('SELECT 1'), forever)).toEqual([[1]]);
    await hurried.close();
  });

  it('write all or nothing, one after the other, also from two instances', async () => {
    const other = databaseOf({ url: db.url, table: 't' });
    const append = (one: MysqlDatabase) =>
      one.write(async ({ read, run }) => {
        const [row] = await read(sql('SELECT COUNT(*) FROM t'));
        return (await run(sql('INSERT INTO t (word) VALUES (?)', String(row?.[0])))).key;
      }, forever);
    const keys = await Promise.all(Array.from({ length: 10 }, (_, index) => append(index % 2 ? database : other)));
    expect(new Set(keys).size).toBe(10);
    const words = await db.query('SELECT word FROM t ORDER BY id');
    expect(words.map(({ word }) => word)).toEqual(Array.from({ length: 10 }, (_, index) => String(index)));
    const failing = database.write(async ({ run }) => {
      await run(sql("INSERT INTO t (word) VALUES ('lost')"));
      throw new TypeError('no');
    }, forever);
    await expect(failing).rejects.toThrow(/no/);
    expect(await db.query("SELECT * FROM t WHERE word = 'lost'")).toEqual([]);
    expect(await append(database)).toBeGreaterThan(0n);
    await other.close();
  });

  it('say what to raise when the server keeps no more prepared statements', async () => {
    const [{ most }] = await db.query('SELECT @@max_prepared_stmt_count AS most');
    await db.query('SET GLOBAL max_prepared_stmt_count = 0');
    try {
      await expect(database.read(sql('SELECT 1'), forever)).rejects.toThrow(/no more prepared statements: raise max_prepared_stmt_count/);
    } finally {
      await db.query(`SET GLOBAL max_prepared_stmt_count = ${most}`);
    }
    expect(await database.read(sql('SELECT 1'), forever)).toEqual([[1]]);
  });

  it('undo what was begun when the signal aborts amid a write', async () => {
    const controller = new AbortController();
    const writing = database.write(async ({ run }) => {
      await run(sql("INSERT INTO t (word) VALUES ('half')"));
      await run(sql('DO SLEEP(60)'));
    }, controller.signal);
    await untilRunning(db, 'DO SLEEP%', true);
    controller.abort(new Error('given up'));
    await expect(writing).rejects.toThrow('given up');
    await untilRunning(db, 'DO SLEEP%', false);
    await database.write(async ({ run }) => run(sql("INSERT INTO t (word) VALUES ('next')")), forever);
    expect((await db.query('SELECT word FROM t')).map(({ word }) => word)).toEqual(['next']);
  });
});

describeWithOwnMariaDb('a server with settings that change answers', () => {
  let db: MariaDb;
  let database: MysqlDatabase;
  beforeAll(async () => {
    db = await startOwnMariaDb([
      '--autocommit=0',
      '--transaction-isolation=READ-UNCOMMITTED',
      '--skip-character-set-client-handshake',
      '--character-set-server=latin1',
    ]);
    await db.query(
      'CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(50) CHARACTER SET utf8mb4); SET GLOBAL sql_select_limit = 1, GLOBAL tx_read_only = 1',
    );
    database = databaseOf({ url: db.url, table: 't', pool: 1 });
  });
  afterAll(async () => {
    await database?.close();
    await db?.remove();
  });
  const words = async () => (await database.read(sql('SELECT word FROM t ORDER BY id'), forever)).map(([word]) => word);
  const add = (word: string) => database.write(({ run }) => run(sql('INSERT INTO t (word) VALUES (?)', word)), forever);

  it('is read as it is now, and written to', async () => {
    await add('日本😀');
    expect(await words()).toEqual(['日本😀']);
    await add('next');
    expect(await words()).toEqual(['日本😀', 'next']);
    const [row] = await database.read(sql("SELECT COUNT(*) FROM t WHERE word = '日本😀' OR word = ?", 'next'), forever);
    expect(row).toEqual(['2']);
  });

  it('holds no table back from a change when it was read', async () => {
    await words();
    await db.query('SET SESSION TRANSACTION READ WRITE; SET SESSION lock_wait_timeout = 1; ALTER TABLE t ADD COLUMN more INT');
    expect(await db.query("SHOW COLUMNS FROM t LIKE 'more'")).toHaveLength(1);
  });

  it('tells no row that is not committed', async () => {
    const before = await words();
    await database
      .write(async ({ run }) => {
        await run(sql("INSERT INTO t (word) VALUES ('half')"));
        expect(await words()).toEqual(before);
        throw new TypeError('no');
      }, forever)
      .catch((error: unknown) => expect(describe(error)).toBe('no'));
    expect(await words()).toEqual(before);
  });
});

describeWithOwnMariaDb('a server that goes away', () => {
  let db: MariaDb;
  let database: MysqlDatabase;
  beforeEach(async () => {
    db = await startOwnMariaDb([
      '--max-connections=10',
      '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT',
      '--default-time-zone=+09:00',
    ]);
    database = databaseOf({ url: db.url, table: 't', connect_timeout: '1s' });
  });
  afterEach(async () => {
    await database.close();
    await db.remove();
  });

  it('is told by its place, and is met again when it is back', async () => {
    const twice = () => Promise.all([database.read(sql('SELECT 1'), forever), database.read(sql('SELECT 1'), forever)]);
    await twice();
    const reading = database.read(sql('SELECT SLEEP(60)'), forever);
    reading.catch(() => undefined);
    await untilRunning(db, 'SELECT SLEEP%', true);
    await db.stop('SIGKILL');
    await expect(reading).rejects.toThrow(new RegExp(`127\\.0\\.0\\.1:${db.port}`));
    await expect(database.read(sql('SELECT 1'), forever)).rejects.toThrow(
      new RegExp(`nothing listens at 127\\.0\\.0\\.1:${db.port}: start`),
    );
    await db.restart();
    expect(await twice()).toEqual([[[1]], [[1]]]);
    // Connections that died while nobody used them are not noticed by the next request.
    await db.restart();
    expect(await twice()).toEqual([[[1]], [[1]]]);
  });
});
