import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
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
    vi.useRealTimers();
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

  it.each(['BIT(8)', "ENUM('b', 'a')", "SET('b', 'a')", 'YEAR'])('refuses a key of type %s, which no paging can rely on', async (type) => {
    await db.query(`CREATE TABLE dora_metrics (id ${type} PRIMARY KEY, created_at DATETIME NOT NULL, INDEX (created_at))`);
    await expect(start()).rejects.toThrow(/id_column id of dora_metrics is of type (bit|enum|set|year), which/);
  });

  it('leaves out a column by a name that the driver refuses, and says so', async () => {
    await db.query('CREATE TABLE dora_metrics (id INT PRIMARY KEY, `__proto__` INT, created_at DATETIME NOT NULL, INDEX (created_at))');
    await db.query("INSERT INTO dora_metrics VALUES (1, 2, '2025-01-01')");
    expect(await newest(await start())).toEqual([{ id: 1, created_at: '2025-01-01T00:00:00.000000Z' }]);
    expect(opened?.logged.join('\n')).toContain('__proto__ (int, by a name that the driver refuses)');
  });

  it.each([
    [
      'a field of a column that it does not make',
      { columns: { created_at: 'ts' } },
      /columns\.created_at: dora_metrics has no column ts\b/,
    ],
    ['one column for two', { id_column: 'cycle_id' }, /two of its columns would be called cycle_id/],
    ['one name for two', { columns: { id: 'decision' } }, /two columns of dora_metrics are called id/],
  ])('does not create a table that would then be refused for %s', async (_what, options, message) => {
    const { source, close } = await open({ url: db.url, ...options }, false);
    for (const dryRun of [true, false]) {
      await expect(source.schema?.apply({ dryRun }, new AbortController().signal)).rejects.toThrow(message);
    }
    expect(await db.query('SHOW TABLES')).toEqual([]);
    await close();
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

  it.each(['TEXT', 'VARCHAR(3000)'])('indexes the beginning of a %s, and finds that index again', async (type) => {
    const bare = DORA.replace(/,\s+INDEX.*\n/, '\n');
    await db.query(bare.replace('phase_name VARCHAR(50)', `phase_name ${type}`));
    await db.query('ALTER TABLE dora_metrics ADD FULLTEXT INDEX IDX_cycle_id (cycle_id)');
    const source = await start();
    const signal = new AbortController().signal;
    const made = await source.schema?.apply({ dryRun: false }, signal);
    const indexes = [
      'idx_created_at on created_at',
      'idx_cycle_id_2 on cycle_id',
      'idx_feature_id on feature_id',
      'idx_phase_name on phase_name',
    ];
    expect(made?.map(({ what }) => what)).toEqual(indexes.map((text) => `add the index ${text} to dora_metrics`));
    expect(await source.schema?.apply({ dryRun: false }, signal)).toEqual([]);
    expect((await source.probe?.(signal))?.detail).not.toContain('no index');
  });

  it('says what was done before a step that failed', async () => {
    const many = Array.from({ length: 61 }, (_, at) => `ADD INDEX full_${at} (decision)`).join(', ');
    await db.query(DORA.replace(/,\s+INDEX.*\n/, '\n'));
    await db.query(`ALTER TABLE dora_metrics ${many}`);
    const source = await start();
    const applying = source.schema?.apply({ dryRun: false }, new AbortController().signal);
    await expect(applying).rejects.toThrow(
      /Too many keys.*; done before that: add the index idx_created_at on created_at to dora_metrics; add the index idx_cycle_id/,
    );
  });

  it('judges a row by the columns of now, however long nobody asked', async () => {
    await db.query(DORA.replace('decision VARCHAR(20) NOT NULL', 'decision VARCHAR(20) NOT NULL, note INT NOT NULL'));
    const source = await start({ writable: true });
    const body = { cycle_id: 'C', feature_id: 'F', phase_name: 'testing', decision: 'go' };
    const signal = new AbortController().signal;
    expect(await source.append?.([body], signal)).toMatchObject([{ status: 'invalid', field: 'note' }]);
    await db.query('ALTER TABLE dora_metrics DROP COLUMN note');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    expect(await source.append?.([body], signal)).toMatchObject([{ status: 'added' }]);
  });

  it('takes no rows into an engine without transactions', async () => {
    await db.query(DORA.replace('InnoDB', 'MyISAM'));
    const source = await start({ writable: true });
    const signal = new AbortController().signal;
    const message = /rows cannot be added to dora_metrics: its engine MyISAM has no transactions.*ENGINE = InnoDB/;
    const body = { cycle_id: 'C', feature_id: 'F', phase_name: 'testing', decision: 'go' };
    await expect(source.append?.([body], signal)).rejects.toThrow(message);
    expect(await source.probe?.(signal)).toMatchObject({ ok: false, detail: expect.stringMatching(message) });
    await opened?.close();
    expect(await (await start()).probe?.(signal)).toMatchObject({ ok: true });
  });

  it('tells which privileges the user lacks for what is configured, however the user comes by them', async () => {
    await db.query(DORA);
    const user = `reader_${db.database}`.slice(-32);
    const probe = async (options: Record<string, unknown>) => {
      const url = new URL(db.url);
      [url.username, url.password] = [user, ''];
      const { source, close } = await open({ url: url.href, ...options });
      const probed = await source.probe?.(new AbortController().signal);
      await close();
      return probed;
    };
    await db.query(`CREATE USER ${user}@'%'; GRANT SELECT ON ${db.database}.dora_metrics TO ${user}@'%'`);
    try {
      expect(await probe({})).toMatchObject({ ok: true });
      const lacking = await probe({ writable: true, keep: '30d' });
      expect(lacking).toMatchObject({ ok: false, detail: expect.stringMatching(/writable: .*lacks the privilege INSERT.*keep: .*DELETE/) });
      await db.query(`GRANT INSERT ON ${db.database}.* TO ${user}@'%'; CREATE ROLE r_${user}; GRANT DELETE ON ${db.database}.* TO r_${user};
        GRANT r_${user} TO ${user}@'%'; SET DEFAULT ROLE r_${user} FOR ${user}@'%'`);
      expect(await probe({ writable: true, keep: '30d' })).toMatchObject({ ok: true });
      expect(await db.query('SELECT * FROM dora_metrics')).toEqual([]);
    } finally {
      await db.query(`DROP USER ${user}@'%'; DROP ROLE IF EXISTS r_${user}`);
    }
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

  it('is a field more to a follower as well, though nobody asks for anything else', async () => {
    await db.query(DORA);
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: Date.now() });
    const source = await start({ every: '10ms' });
    const reading = new AbortController();
    const following = await source.follow?.open({ after: 'end' }, reading.signal);
    // biome-ignore lint/suspicious/noExplicitAny: rows of whatever shape
    const rows: any[] = [];
    const read = (async () => {
      for await (const { entries } of following?.batches ?? []) rows.push(...entries.map(({ json }) => JSON.parse(json)));
    })();
    await addRows(db, 1);
    await vi.waitFor(() => expect(rows).toHaveLength(1), { timeout: 10_000 });
    await db.query('ALTER TABLE dora_metrics ADD COLUMN extra INT NOT NULL DEFAULT 7');
    for (let seconds = 0; seconds < 20 && rows.at(-1).extra === undefined; seconds++) {
      const before = rows.length;
      vi.advanceTimersByTime(1000);
      await addRows(db, 1);
      await vi.waitFor(() => expect(rows.length).toBeGreaterThan(before), { timeout: 10_000 });
    }
    expect([rows[0].extra, rows.at(-1).extra]).toEqual([undefined, 7]);
    reading.abort();
    await read.catch(() => undefined);
  });
});
