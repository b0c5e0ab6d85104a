import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runOf } from '../../../core/conformance/stand.ts';
import type { Condition, Op, Point } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import type { Database, Sql, SqlValue } from '../../../core/table/index.ts';
import { tableQuery } from '../../../core/table/query.ts';
import { SqliteDatabase } from '../../../plugins/sqlite-metrics/database.ts';
import { inspect } from '../../../plugins/sqlite-metrics/inspect.ts';
import { everything, Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

/** How SQLite does what a query asks of the table of DORA rows. */
async function planOf(where: readonly Condition[], { after, before = '' }: { after?: Point; before?: string } = {}): Promise<string[]> {
  await stage.source().schema.apply({ dryRun: false }, stage.signal);
  stage.sql(before);
  const real = new SqliteDatabase(stage.path);
  await real.open(stage.signal);
  const asked: Sql[] = [];
  const recording: Database = {
    dialect: real.dialect,
    read: (sql, signal) => {
      asked.push(sql);
      return real.read(sql, signal);
    },
    write: (work, signal) => real.write(work, signal),
  };
  const read = (text: string, ...values: SqlValue[]) => real.readNow({ text, values });
  const mapping = { table: 'dora_metrics', id_column: 'id', time_column: 'created_at' };
  const table = inspect(read, mapping);
  if (!table) throw new Error('there is no table');
  const query = tableQuery({ database: recording, table: () => table, source: 'dora' });
  for await (const _ of query.run({ ...everything, where, limit: 10, ...(after && { after }) }, runOf(stage.signal))) break;
  const { text, values } = asked[0] as Sql;
  const plan = read(`EXPLAIN QUERY PLAN ${text}`, ...values).map((row) => String(row[3]));
  await real.close();
  return plan;
}

describe('a statement', () => {
  it.each<[string, Condition, string]>([
    ['a text', { field: 'phase_name', op: '=', value: 'p' }, 'phase_name'],
    ['one of several', { field: 'feature_id', op: '=', value: ['a', 'b'] }, 'feature_id'],
    ['another column', { field: 'decision', op: '=', value: 'go' }, 'created_at'],
  ])('uses the index on what it asks for: %s', async (_, condition, column) => {
    expect((await planOf([condition])).join('\n')).toContain(`INDEX idx_dora_metrics_${column} `);
  });

  it('can use the index on a text for its beginning', async () => {
    const before = 'DROP INDEX idx_dora_metrics_created_at';
    const plan = await planOf([{ field: 'cycle_id', op: '^=', value: 'c1' }], { before });
    expect(plan.join('\n')).toContain('INDEX idx_dora_metrics_cycle_id (cycle_id>? AND cycle_id<?)');
  });

  it('finds a key without a search', async () => {
    expect((await planOf([{ field: 'id', op: '=', value: '5' }])).join('\n')).toContain('USING INTEGER PRIMARY KEY (rowid=?)');
  });

  it('sorts nothing for the newest rows, nor for those further down', async () => {
    const sought = ['SEARCH dora_metrics USING INDEX idx_dora_metrics_created_at (created_at>? AND created_at<?)'];
    expect(await planOf([])).toEqual(sought);
    expect(await planOf([], { after: { time: 1e15, id: 'dora.00000000000000000005' } })).toEqual(sought);
    const phase = await planOf([{ field: 'phase_name', op: '=', value: 'deployment' }]);
    expect(phase).toEqual(['SEARCH dora_metrics USING INDEX idx_dora_metrics_phase_name (phase_name=? AND created_at>? AND created_at<?)']);
  });
});

describe('whatever is asked', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      "'",
      '"',
      '`',
      '\\',
      "\\'",
      '--',
      ';',
      "' OR '1'='1",
      '"; DROP TABLE t; --',
      '\0',
      'a\0b',
      '?',
      ':x',
      '%',
      '_',
      '|',
      '\u{1f600}',
      '\ud800',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const name = hostile.map((text) => `n${text.replace(/\p{Cc}|\p{Surrogate}/gu, '')}`);

  it('is data: a value finds itself and nothing else', async () => {
    stage.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, facts JSON, created_at TEXT)');
    const source = await stage.started({ table: 't' });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(hostile, { minLength: 1, maxLength: 8 }), hostile, async (values, other) => {
        const stored = values.map((value) => value.replace(/\0|\p{Surrogate}/gu, '_'));
        stage.sql('DELETE FROM t');
        stage.sql(
          'INSERT INTO t (v, facts, created_at) VALUES (?, ?, ?)',
          ...stored.map((value) => [value, JSON.stringify({ v: value }), '2025-11-07 02:00:00.000000']),
        );
        for (const value of [...stored, other]) {
          const found = await stage.bodies(source, [{ field: 'v', op: '=', value }]);
          // A text with a NUL never reaches SQLite whole, so it is left to the core.
          if (!value.includes('\0')) expect(found.map(({ v }) => v)).toEqual(stored.filter((one) => one === value));
          const inFacts = await stage.bodies(source, [{ field: 'facts.v', op: '=', value }]);
          expect(stored.filter((one) => one === value).every((one) => inFacts.some(({ v }) => v === one))).toBe(true);
          for (const op of ['!=', '<', '>=', '^=', '~='] as Op[]) await stage.bodies(source, [{ field: 'v', op, value }]);
          for (const field of [value || 'x', `facts.${value}`]) await stage.bodies(source, [{ field, op: '=', value }]);
        }
        expect(await stage.bodies(source)).toHaveLength(stored.length);
      }),
      { numRuns: process.env['CAUCE_TEST_LONG'] === '1' ? 300 : 20 },
    );
  });

  it('is a name: tables and columns may be called anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 4, maxLength: 4, selector: (one) => one.toLowerCase() }), async (names) => {
        const place = await Stage.open();
        try {
          const [table, id, time, field] = names as [string, string, string, string];
          const source = await place.started({ table, id_column: id, time_column: time, columns: { decision: field } });
          const database = openDatabase(place.path);
          const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
          database.close();
          expect(tables).toEqual([{ name: table }]);
          expect(await place.bodies(source, [{ field: 'decision', op: '^=', value: 'x' }])).toEqual([]);
        } finally {
          await place.close();
        }
      }),
      { numRuns: process.env['CAUCE_TEST_LONG'] === '1' ? 100 : 10 },
    );
  });
});
