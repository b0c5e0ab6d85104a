import { type Draft, type Micros, RetryableError } from '../contract/index.ts';
import type { Database, Sql, SqlValue } from './database.ts';
import { type RowReader, rowReader } from './rows.ts';
import { lastOf, type Run } from './runs.ts';
import type { Table } from './table.ts';

/** Rows that one statement answers at most. */
export const PAGE = 1000;
/** How many gaps one statement looks into: a few numbers only, so that a server prepares a few statements only. */
const LOOKS = [1, 8, 64] as const;
/** Rows that a table is known by, at most. */
export const MOST_MARKS = 24;
/** Not in a gap of any table: no key is at least 1 and at most 0. */
const NOWHERE: Run = { first: 1n, length: 0n, every: 1n, count: 1n, noticed: 0 };

/** A row; its draft is absent when it has no time, so that it is no entry. */
export interface KeyedRow {
  readonly key: bigint;
  readonly draft: Draft | undefined;
}

/** Which row it is: a key that is given anew has another time. */
export interface Mark {
  readonly key: bigint;
  readonly time: Micros | undefined;
}

/** Reads a table by its integer key. Rows come in the order of their keys. */
export interface KeyedRows {
  /** The first rows above `after` (absent: of all), up to and with `last`; at most {@link PAGE}. */
  above(after: bigint | undefined, last: bigint | undefined, signal: AbortSignal): Promise<readonly KeyedRow[]>;
  /** Of these gaps, those in which there is a row. */
  filled(runs: readonly Run[], signal: AbortSignal): Promise<readonly Run[]>;
  /** The rows in a gap, in pages. */
  within(run: Run, signal: AbortSignal): AsyncIterable<readonly KeyedRow[]>;
  /** The highest keys, the highest first. */
  newest(count: number, signal: AbortSignal): Promise<readonly bigint[]>;
  /** How many rows there are from one key to another. */
  count(first: bigint, last: bigint, signal: AbortSignal): Promise<number>;
  /** The lowest row, the newest, and those of the keys that are there, all as they are at one moment. */
  marks(
    keys: readonly bigint[],
    signal: AbortSignal,
  ): Promise<{ readonly lowest?: Mark; readonly newest?: Mark; readonly asked: readonly Mark[] }>;
  /** The highest rows up to a key, the highest first. */
  recent(last: bigint, count: number, signal: AbortSignal): Promise<readonly Mark[]>;
}

/** What is said of the table in SQL. */
interface Said {
  readonly table: Table;
  readonly name: string;
  readonly key: string;
  /** The time column, as the dialect reads it. */
  readonly time: string;
  readonly inGap: string;
  readonly reader: RowReader;
}

function sayingOf({ dialect }: Database, table: Table, source: string): Said {
  if (table.key.kind !== 'integer') throw new RetryableError(`the key ${table.key.column} of ${table.name} is no integer any more`);
  const key = dialect.quote(table.key.column);
  // Decimals, because the key may be unsigned, and a driver may bind a big integer as text.
  const inGap = `${key} BETWEEN ? AND ? AND (${key} - CAST(? AS DECIMAL(20))) % CAST(? AS DECIMAL(20)) < CAST(? AS DECIMAL(20))`;
  const { quote, timeText = String } = dialect;
  const time = timeText(quote(table.time.column));
  return { table, name: quote(table.name), key, time, inGap, reader: rowReader(dialect, table, source) };
}

/** `table` is asked each time: another object is a table that has changed, such as by a new column. */
export function keyedRows(database: Database, table: () => Table, source: string): KeyedRows {
  let known: Said | undefined;

  function said(): Said {
    const now = table();
    if (known?.table !== now) known = sayingOf(database, now, source);
    return known;
  }

  async function page({ reader, name, key }: Said, where: string, values: readonly SqlValue[], signal: AbortSignal) {
    const text = `SELECT ${reader.select} FROM ${name}${where} ORDER BY ${key} LIMIT ${PAGE}`;
    const rows = await database.read({ text, values }, signal);
    return rows.map((row): KeyedRow => ({ key: whole(reader.keyOf(row)), draft: reader.toDraft(row) }));
  }

  return {
    async above(after, last, signal) {
      const now = said();
      const { key } = now;
      const bounds = [after !== undefined && `${key} > ?`, last !== undefined && `${key} <= ?`].filter((bound) => bound !== false);
      const where = bounds.length > 0 ? ` WHERE ${bounds.join(' AND ')}` : '';
      return page(
        now,
        where,
        [after, last].filter((value) => value !== undefined),
        signal,
      );
    },
    async filled(runs, signal) {
      const { name, key, inGap } = said();
      const firstInGap = `(SELECT ${key} FROM ${name} WHERE ${inGap} ORDER BY ${key} LIMIT 1)`;
      const found: Run[] = [];
      for (let at = 0; at < runs.length; ) {
        const size = LOOKS.find((looks) => looks >= runs.length - at) ?? (LOOKS[LOOKS.length - 1] as number);
        const looked = runs.slice(at, at + size);
        const [row = []] = await database.read(lookInto(firstInGap, looked, size), signal);
        found.push(...looked.filter((_, index) => row[index] !== null));
        at += size;
      }
      return found;
    },
    async *within(run, signal) {
      let after = run.first - 1n;
      for (let last = PAGE; last === PAGE; ) {
        const now = said();
        const { key, inGap } = now;
        const rows = await page(now, ` WHERE ${key} > ? AND ${inGap}`, [after, ...inGapValues(run)], signal);
        if (rows.length > 0) yield rows;
        after = rows.at(-1)?.key ?? after;
        last = rows.length;
      }
    },
    async newest(count, signal) {
      const { name, key } = said();
      const rows = await database.read(
        { text: `SELECT ${key} FROM ${name} ORDER BY ${key} DESC LIMIT ${Number(count)}`, values: [] },
        signal,
      );
      return rows.map(([value]) => whole(value ?? null));
    },
    async count(first, last, signal) {
      const { name, key } = said();
      const [row] = await database.read(
        { text: `SELECT COUNT(*) FROM ${name} WHERE ${key} BETWEEN ? AND ?`, values: [first, last] },
        signal,
      );
      return Number(row?.[0] ?? 0);
    },
    async marks(keys, signal) {
      const { name, key, time } = said();
      const one = (end: number, which: string) =>
        `SELECT * FROM (SELECT ${end} AS cauce_end, ${key} AS cauce_key, ${time} AS cauce_time FROM ${name} ${which}) AS cauce_${end}`;
      // Always as many, so that a server prepares one statement.
      const asked = Array.from({ length: MOST_MARKS }, (_, index) => keys[index] ?? keys[0] ?? 0n);
      const among = `WHERE ${key} IN (${asked.map(() => '?').join(', ')})`;
      const text = [one(0, `ORDER BY ${key} LIMIT 1`), one(1, `ORDER BY ${key} DESC LIMIT 1`), one(2, among)].join(' UNION ALL ');
      const rows = (await database.read({ text, values: asked }, signal)).map(([end, ...mark]) => ({
        end: Number(end),
        mark: markOf(mark),
      }));
      const [lowest, newest] = [0, 1].map((wanted) => rows.find(({ end }) => end === wanted)?.mark);
      const found = rows.filter(({ end, mark }) => end === 2 && keys.includes(mark.key)).map(({ mark }) => mark);
      return { ...(lowest && { lowest }), ...(newest && { newest }), asked: found };
    },
    async recent(last, count, signal) {
      const { name, key, time } = said();
      const text = `SELECT ${key}, ${time} FROM ${name} WHERE ${key} <= ? ORDER BY ${key} DESC LIMIT ${Number(count)}`;
      return (await database.read({ text, values: [last] }, signal)).map(markOf);
    },
  };

  function markOf([value, time]: readonly SqlValue[]): Mark {
    return { key: whole(value ?? null), time: database.dialect.readTime(time ?? null) };
  }
}

function lookInto(firstInGap: string, runs: readonly Run[], size: number): Sql {
  const all = Array.from({ length: size }, (_, index) => runs[index] ?? NOWHERE);
  return { text: `SELECT ${all.map((_, index) => `${firstInGap} AS cauce_${index}`).join(', ')}`, values: all.flatMap(inGapValues) };
}

function inGapValues(run: Run): bigint[] {
  return [run.first, lastOf(run), run.first, run.every, run.length];
}

function whole(value: SqlValue): bigint {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return BigInt(value);
  throw new TypeError('the key of a row is no whole number');
}
