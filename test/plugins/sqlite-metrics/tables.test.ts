import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { everything, Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

describe('another table', () => {
  it('is read by its own names, or by those that the configuration gives', async () => {
    stage.sql(`CREATE TABLE builds (number INTEGER PRIMARY KEY, branch TEXT, note TEXT, at TEXT);
      INSERT INTO builds VALUES (7, 'main', 'x', '2025-11-07 02:00:00.000000')`);
    const mapped = await stage.started({
      table: 'Builds',
      id_column: 'number',
      time_column: 'AT',
      columns: { id: 'number', where: 'branch' },
    });
    expect(await stage.bodies(mapped)).toEqual([{ id: 7, where: 'main', AT: '2025-11-07T02:00:00.000000Z' }]);
    expect(mapped.label).toBe('SQLite (Builds)');
    const plain = await stage.started({ table: 'builds', id_column: 'number', time_column: 'at' });
    expect(await stage.bodies(plain)).toEqual([{ number: 7, branch: 'main', note: 'x', at: '2025-11-07T02:00:00.000000Z' }]);
  });

  it('with a key of text is ordered by time, and paged without a loss', async () => {
    stage.sql('CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, created_at TEXT NOT NULL)');
    const rows = Array.from({ length: 2500 }, (_, n) => [`${n % 2 ? 'k' : 'K'} ${(n * 7919) % 2500}`, `2025-11-07 02:00:0${n % 2}.000000`]);
    stage.sql('INSERT INTO t VALUES (?, ?)', ...rows);
    const source = await stage.started({ table: 't' });
    expect(await source.query.plan?.(everything)).toMatchObject({ order: 'time', range: true, seeks: false });
    for (const order of ['newest', 'oldest'] as const) {
      const drafts = await stage.all(source, { order });
      expect(new Set(drafts.map(({ id }) => id)).size).toBe(2500);
      const times = drafts.map(({ time }) => time);
      expect(times).toEqual([...times].sort((a, b) => (order === 'newest' ? b - a : a - b)));
    }
    expect(source.follow.replay).toBe('overlap');
  });

  it('gets its missing index under a name that is free, in whatever case', async () => {
    stage.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, note TEXT)');
    stage.sql('CREATE INDEX IDX_T_created_at ON t (note)');
    const source = await stage.started({ table: 't' });
    const signal = new AbortController().signal;
    expect(await source.schema.apply({ dryRun: false }, signal)).toMatchObject([{ what: expect.stringContaining('idx_t_created_at_2') }]);
    expect(await source.schema.apply({ dryRun: false }, signal)).toEqual([]);
  });

  it('keeps rows for an hour at least', async () => {
    await expect(stage.started({ keep: '59m' })).rejects.toThrow(/expected at least 1h/);
  });

  it('may change while it is read', async () => {
    const source = await stage.started();
    stage.sql(`ALTER TABLE dora_metrics ADD COLUMN team TEXT;
      INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, created_at, team) VALUES ('c', 'f', 'p', 'go', '2025-11-07 02:00:00.000000', 'red')`);
    expect(await stage.bodies(source, [{ field: 'team', op: '=', value: 'red' }])).toMatchObject([{ team: 'red' }]);
    stage.sql('ALTER TABLE dora_metrics DROP COLUMN team');
    expect(await stage.bodies(source)).toHaveLength(1);
    stage.sql('DROP TABLE dora_metrics');
    await expect(stage.bodies(source)).rejects.toThrow(/has no table dora_metrics; cauce schema apply makes it/);
  });

  it.each([
    [{ time_column: 'made' }, /time_column: dora_metrics has no column made; did you mean mode\? It has id, mode, at, size$/],
    [{ time_column: 'size' }, /time_column size of dora_metrics is of type INTEGER; it must be DATETIME or TEXT/],
    [{ time_column: 'at', id_column: 'mode' }, /id_column mode of dora_metrics is not unique; name the PRIMARY KEY/],
    [{ time_column: 'at', columns: { id: 'mode' } }, /two columns of dora_metrics are called id; give one of them another name/],
    [{ time_column: 'at', columns: { x: 'y' } }, /columns\.x: dora_metrics has no column y/],
  ])('that does not fit is refused with what to mend: %o', async (options, expected) => {
    stage.sql('CREATE TABLE dora_metrics (id INTEGER PRIMARY KEY, mode TEXT, at DATETIME, size INTEGER)');
    await expect(stage.started(options)).rejects.toThrow(expected);
  });

  it('with times in another form is read without those rows, and says so', async () => {
    stage.sql(`CREATE TABLE t (id INTEGER PRIMARY KEY, created_at TEXT);
      INSERT INTO t VALUES (1, '2025-11-07T02:00:00Z'), (2, '2025-11-07 02:00:00.000000'), (3, NULL), (4, '2025-11-07 02:00:00')`);
    const source = await stage.started({ table: 't' });
    expect(stage.log.join('\n')).toContain('warn rows of t whose created_at is not like 2025-11-07 02:00:00.000000');
    const notes: string[] = [];
    const ids: string[] = [];
    for await (const batch of source.query.run(
      { ...everything, limit: 5 },
      { signal: stage.signal, note: (code, _, count) => void notes.push(`${code} ${count}`) },
    )) {
      ids.push(...batch.map(({ json }) => json));
    }
    expect(ids).toEqual(['{"id":2,"created_at":"2025-11-07T02:00:00.000000Z"}']);
    expect(notes).toEqual(['no-time 2']);
    expect((await source.probe(stage.signal)).ok).toBe(false);
  });

  it('gives as many rows as were asked for, whatever is left out between them', async () => {
    stage.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, created_at TEXT)');
    stage.sql(
      'INSERT INTO t VALUES (?, ?)',
      ...Array.from({ length: 100 }, (_, n) => [n, `2025-11-07 02:00:00${n % 10 ? '' : '.000000'}`]),
    );
    const source = await stage.started({ table: 't' });
    expect(await stage.all(source, { limit: 4 })).toHaveLength(4);
    expect(await stage.all(source, { limit: 50 })).toHaveLength(10);
  });

  it('tells the declared kind of a column whatever most of its rows hold, and two of one that holds anything', async () => {
    stage.sql(`CREATE TABLE t (id INTEGER PRIMARY KEY, amount DECIMAL(10,2), day DATE, anything, created_at DATETIME);
      INSERT INTO t (amount, day, anything, created_at) VALUES ('x', '2025-11-07', 5, '2025-11-07 02:00:00.000000')`);
    const fields = await (await stage.started({ table: 't' })).fields?.({ signal: stage.signal, note: () => undefined });
    expect(Object.fromEntries((fields ?? []).map(({ name, kinds }) => [name, kinds]))).toEqual({
      id: ['number'],
      amount: ['number'],
      day: ['number', 'string'],
      anything: ['number', 'string'],
      created_at: ['string'],
    });
  });

  it('may hold what its columns do not declare, and conditions take it as it is told', async () => {
    stage.sql(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, anything, flag BOOLEAN, created_at TEXT);
      INSERT INTO t (n, anything, flag) VALUES ('', 5, 'yes'), (5, '5', 1), ('x5', x'05', 0), (NULL, NULL, NULL), (1e999, 2.5, 2);
      UPDATE t SET created_at = '2025-11-07 02:00:00.000000'`);
    const source = await stage.started({ table: 't' });
    const ids = async (field: string, op: '=' | '!=' | '>' | '<' | '^=', value: string) => {
      const found = await stage.bodies(source, [{ field, op, value }]);
      const [support] = (await source.query.plan?.({ ...everything, where: [{ field, op, value }] }))?.where ?? [];
      return [support, ...found.map(({ id }) => id).reverse()];
    };
    expect(await ids('n', '=', '')).toEqual(['exact', 1]);
    expect(await ids('n', '=', '5')).toEqual(['exact', 2]);
    expect(await ids('n', '!=', '5')).toEqual(['exact', 1, 3, 4, 5]);
    expect(await ids('n', '>', '4')).toEqual(['exact', 2, 5]);
    expect(await ids('n', '>', 'a')).toEqual(['exact', 3]);
    expect(await ids('flag', '=', 'yes')).toEqual(['exact', 1]);
    expect(await ids('flag', '=', 'true')).toEqual(['exact', 2, 5]);
    expect(await ids('flag', '^=', 'y')).toEqual(['exact', 1]);
    expect((await ids('anything', '=', '5'))[0]).toBe('unsupported');
  });
});
