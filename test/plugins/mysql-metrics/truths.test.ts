import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOf } from '../../../core/conformance/stand.ts';
import { formatTime, type Op, type Source } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';
import { TRUTH_COLUMNS, type TruthRow } from '../../core/table/truth-rows.ts';
import { type TruthPlace, tableTruths } from '../../core/table/truths.ts';
import { describeWithMariaDb, describeWithOwnMariaDb, type MariaDb, startMariaDb, startOwnMariaDb } from '../../mariadb/server.ts';
import { newest, open } from './stage.ts';

const stored = (time: number) => formatTime(time).replace('T', ' ').replace('Z', '');

async function place(db: MariaDb, word: string, index = 'word'): Promise<TruthPlace> {
  await db.query('DROP TABLE IF EXISTS truths');
  await db.query(`CREATE TABLE truths (id BIGINT PRIMARY KEY AUTO_INCREMENT, word ${word}, whole BIGINT, amount DECIMAL(10,2), ratio DOUBLE,
    flag BOOLEAN, facts JSON, seen DATETIME(6), bytes VARBINARY(16), at DATETIME(6) NOT NULL, INDEX (${index}), INDEX (at))`);
  const { source, close } = await open({ url: db.url, table: 'truths', time_column: 'at' }, true, 'truths');
  return {
    source,
    async fill(rows) {
      // What is stored must not depend on what the server makes of a backslash.
      await db.query("SET SESSION sql_mode = ''; DELETE FROM truths");
      if (rows.length === 0) return;
      await db.query(`SET SESSION sql_mode = ''; INSERT INTO truths (${TRUTH_COLUMNS.join(', ')}) VALUES ?`, [rows.map(valuesOf)]);
    },
    close,
  };
}

function valuesOf({ word, whole, amount, ratio, flag, facts, seen, bytes, at }: TruthRow) {
  return [word, whole, amount, ratio, flag, facts, seen === null ? null : stored(seen), bytes && Buffer.from(bytes), stored(at)];
}

const OPS: readonly Op[] = ['=', '!=', '<', '<=', '>', '>=', '^=', '~='];

/** Every operator on each of these fields, beside what the core finds. */
async function expectTruths(source: Source, fields: readonly string[], values: readonly string[]): Promise<void> {
  const rows = await newest(source);
  const conditions = fields.flatMap((field) => OPS.flatMap((op) => values.map((value) => ({ field, op, value }))));
  for (const condition of conditions) {
    const where = [condition];
    const query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest' as const, where };
    const [support] = (await source.query?.plan?.(query))?.where ?? [];
    const found: unknown[] = [];
    for await (const drafts of source.query?.run(query, runOf(new AbortController().signal)) ?? [])
      found.push(...drafts.map(({ json }) => JSON.parse(json)));
    const wanted = rows.filter(compile(where));
    const what = `${condition.field} ${condition.op} ${condition.value}`;
    if (support === 'exact') expect(found, what).toEqual(wanted);
    else expect(found, what).toEqual(expect.arrayContaining(wanted));
  }
}

describeWithMariaDb('on a server as it comes', () => {
  let db: MariaDb;
  beforeAll(async () => {
    db = await startMariaDb();
  });
  afterAll(() => db?.remove());

  tableTruths({ describe, it: it as never }, () => place(db, 'VARCHAR(50)'));

  it('finds what a condition means in a latin1 column, whatever text it is compared with', async () => {
    const { source, close } = await place(db, 'VARCHAR(50) CHARACTER SET latin1');
    const words = ['go', 'Go', 'go ', 'é', 'E', 'ß', 'ss', '€', '', '%', 'a\\b'];
    await db.query('INSERT INTO truths (word, at) VALUES ?', [words.map((word) => [word, '2025-01-01'])]);
    await expectTruths(source, ['word'], [...words, '日本', '😀', 'e\u0301', 'x\uffff', 'É']);
    await close();
  });

  it('finds what a condition means in columns that SQL compares otherwise than they are told', async () => {
    await db.query(`DROP TABLE IF EXISTS odd; CREATE TABLE odd (id INT PRIMARY KEY, bits BIT(8), yr YEAR, pick ENUM('b', 'a', '1'), day DATE,
      seen DATETIME, at DATETIME(6) NOT NULL, INDEX (at)); SET SESSION sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO odd VALUES
      (1, 5, 2042, 'b', '0000-00-00', '2025-02-00 00:00:00', '2025-01-01'), (2, 0, 0, 'a', '2025-02-03', '2025-02-31 10:00:00', '2025-01-01'),
      (3, 255, 1999, '1', '2025-00-00', '2025-02-03 01:02:03', '2025-01-01'), (4, NULL, NULL, NULL, NULL, NULL, '2025-01-01')`);
    const { source, close } = await open({ url: db.url, table: 'odd', time_column: 'at' });
    const values = [
      '',
      '0',
      '1',
      '42',
      '2042',
      '5',
      'BQ==',
      '/w==',
      'AA==',
      'null',
      'a',
      'b',
      '0000-00-00',
      '2025',
      '2025-02-03T00:00:00.000000Z',
    ];
    await expectTruths(source, ['bits', 'yr', 'pick', 'day', 'seen'], [...values, '2025-02-31 10:00:00', '2025-00-00']);
    await close();
  });
});

describeWithOwnMariaDb('on a server with settings of its own', () => {
  let db: MariaDb;
  beforeAll(async () => {
    const modes = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE';
    db = await startOwnMariaDb([
      `--sql-mode=${modes}`,
      '--default-time-zone=+09:00',
      '--character-set-server=latin1',
      '--collation-server=latin1_german2_ci',
    ]);
  });
  afterAll(() => db?.remove());

  tableTruths({ describe, it: it as never }, () => place(db, 'TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', 'word(20)'));
});
