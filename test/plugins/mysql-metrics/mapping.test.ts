import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithMariaDb, type MariaDb, startMariaDb } from '../../mariadb/server.ts';
import { addRows, DORA, newest, type Opened, open } from './stage.ts';

describeWithMariaDb('a table and what the configuration says of it', () => {
  let db: MariaDb;
  let opened: Opened | undefined;
  beforeAll(async () => {
    db = await startMariaDb();
  });
  afterAll(() => db?.remove());
  beforeEach(async () => {
    const tables = await db.query('SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()');
    for (const { name } of tables) await db.query('DROP TABLE ??', [name]);
  });
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });
  const start = async (options: Record<string, unknown> = {}) => {
    opened = await open({ url: db.url, ...options });
    return opened.source;
  };

  it('tells every kind of column as JSON', async () => {
    await db.query(`CREATE TABLE dora_metrics (id BIGINT UNSIGNED PRIMARY KEY, big BIGINT, price DECIMAL(30,10), ratio DOUBLE, yes BOOLEAN, bits BIT(1),
      word VARCHAR(20) CHARACTER SET latin1, pick ENUM('a','b'), data JSON, raw VARBINARY(10), day DATE, stamp TIMESTAMP(3) NULL, clock TIME(2), yr YEAR,
      place POINT, next INT AS (yr + 1) VIRTUAL, nothing INT, created_at DATETIME(6) NOT NULL, INDEX (created_at))`);
    await db.query(`SET time_zone = '+05:00'; INSERT INTO dora_metrics VALUES (18446744073709551615, -9223372036854775808, 12345678901234567890.0123456789,
      1.5, TRUE, b'1', 'é', 'b', '{"a":\n[1, 2.50]}', x'00ff', '2025-02-03', '2025-02-03 09:00:00.125', '12:34:56.5', 2025, POINT(1, 2), DEFAULT, NULL,
      '2025-11-07 02:00:00.000001')`);
    const source = await start();
    const drafts: string[] = [];
    const query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest' as const, where: [] };
    for await (const some of source.query?.run(query, { signal: new AbortController().signal, note: () => undefined }) ?? []) {
      drafts.push(...some.map(({ id, json }) => `${id} ${json}`));
    }
    expect(drafts).toEqual([
      'dora.18446744073709551615 {"id":18446744073709551615,"big":-9223372036854775808,"price":12345678901234567890.0123456789,"ratio":1.5,"yes":true,' +
        '"bits":true,"word":"é","pick":"b","data":{"a": [1, 2.50]},"raw":"AP8=","day":"2025-02-03T00:00:00.000000Z","stamp":"2025-02-03T04:00:00.125000Z",' +
        '"clock":"12:34:56.50","yr":2025,"next":2026,"nothing":null,"created_at":"2025-11-07T02:00:00.000001Z"}',
    ]);
    expect(opened?.logged.join('\n')).toContain('place (point)');
  });

  it('reads DATETIME in its offset and TIMESTAMP in the same, whatever the server has for a time zone', async () => {
    await db.query(
      'CREATE TABLE dora_metrics (id INT PRIMARY KEY, stamp TIMESTAMP NULL, created_at DATETIME NOT NULL, INDEX (created_at))',
    );
    await db.query(`SET time_zone = '+00:00'; INSERT INTO dora_metrics VALUES (1, '2025-06-01 12:00:00', '2025-06-01 14:00:00')`);
    const source = await start({ time_zone: '+02:00' });
    expect(await newest(source)).toEqual([{ id: 1, stamp: '2025-06-01T12:00:00.000000Z', created_at: '2025-06-01T12:00:00.000000Z' }]);
  });

  it('leaves out what is no time, and says so', async () => {
    await db.query('CREATE TABLE dora_metrics (id INT PRIMARY KEY, created_at DATETIME NULL, INDEX (created_at))');
    await db.query("SET sql_mode = ''; INSERT INTO dora_metrics VALUES (1, NULL), (2, '0000-00-00 00:00:00'), (3, '2025-01-01')");
    expect((await newest(await start())).map(({ id }) => id)).toEqual([3]);
  });

  it('takes columns by other names, besides the id and the time', async () => {
    await db.query('CREATE TABLE other (nr INT PRIMARY KEY, `a``b` VARCHAR(9), c INT, at DATETIME NOT NULL, INDEX (at))');
    await db.query("INSERT INTO other VALUES (4, 'x', 5, '2025-01-01')");
    const source = await start({ table: `${db.database}.other`, id_column: 'nr', time_column: 'at', columns: { phase: 'a`b' } });
    expect(await newest(source)).toEqual([{ nr: 4, phase: 'x', at: '2025-01-01T00:00:00.000000Z' }]);
    expect(source.label).toBe(`MySQL (${db.database}.other)`);
  });

  it.each([
    [
      'a missing time column',
      { time_column: 'create_at' },
      /time_column: dora_metrics has no column create_at; did you mean created_at\? it has id, cycle_id/,
    ],
    ['a missing id column', { id_column: 'nr' }, /id_column: dora_metrics has no column nr\b/],
    ['a missing field', { columns: { phase: 'phase' } }, /columns\.phase: dora_metrics has no column phase\b/],
    [
      'a time that is none',
      { time_column: 'decision' },
      /time_column decision of dora_metrics is of type varchar; it must be DATETIME, TIMESTAMP or DATE/,
    ],
    ['a key that is not unique', { id_column: 'cycle_id' }, /id_column cycle_id of dora_metrics is not unique/],
    ['one name for two', { columns: { id: 'decision' } }, /two columns of dora_metrics are called id/],
  ])('refuses %s, and says how to mend it', async (_what, options, message) => {
    await db.query(DORA);
    await expect(start(options)).rejects.toThrow(message);
  });

  it('tells which recommended indexes are missing', async () => {
    await db.query(DORA.replace(/,\s+INDEX.*\n/, '\n'));
    const source = await start();
    expect(opened?.logged.join('\n')).toMatch(/slow without these indexes.*created_at.*cycle_id/);
    const probe = await source.probe?.(new AbortController().signal);
    expect(probe).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/no index begins with created_at, cycle_id, feature_id, phase_name/),
    });
    expect(probe?.detail).toMatch(/^(MariaDB|MySQL) \d+\.\d+\.\d+ at .*no row with a time yet/);
  });

  it('creates the table, and adds the indexes that are missing: what the dry run lists is what is done', async () => {
    const { source, close } = await open({ url: db.url, time_column: 'ti`me', writable: true }, false);
    const signal = new AbortController().signal;
    const planned = await source.schema?.apply({ dryRun: true }, signal);
    expect(await db.query('SHOW TABLES')).toEqual([]);
    expect(await source.schema?.apply({ dryRun: false }, signal)).toEqual(planned);
    expect(planned?.map(({ what }) => what)).toEqual([
      'create the table dora_metrics',
      ...['ti`me', 'phase_name', 'feature_id', 'cycle_id'].map((column) => `add the index idx_${column} on ${column} to dora_metrics`),
    ]);
    expect(await source.schema?.apply({ dryRun: false }, signal)).toEqual([]);
    await db.query('ALTER TABLE dora_metrics DROP INDEX idx_phase_name, ADD INDEX idx_phase_name (decision)');
    expect(await source.schema?.apply({ dryRun: false }, signal)).toEqual([
      { what: 'add the index idx_phase_name_2 on phase_name to dora_metrics', count: 1 },
    ]);
    const body = { cycle_id: 'C', feature_id: 'F', phase_name: 'testing', decision: 'go', 'ti`me': '2025-11-07T02:00:00.000001Z' };
    expect(await source.append?.([body], signal)).toMatchObject([{ status: 'added' }]);
    expect(await newest(source)).toEqual([{ id: 1, ...body, duration_seconds: null, metadata: {} }]);
    await close();
  });

  it('is a field more when a column is added, and one less when one is dropped', async () => {
    await db.query(DORA);
    await addRows(db, 3);
    const source = await start();
    await db.query('ALTER TABLE dora_metrics ADD COLUMN extra INT NOT NULL DEFAULT 7, DROP COLUMN decision');
    await expect(newest(source)).rejects.toThrow(/columns of dora_metrics at .* have changed/);
    const [row] = await newest(source);
    expect(row).toMatchObject({ extra: 7 });
    expect(row).not.toHaveProperty('decision');
  });
});
