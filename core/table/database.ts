import { CauceError } from '../contract/index.ts';

/** What a value may be on its way to a database and back. Whole numbers beyond 2^53 and decimals come back as text or bigint. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = readonly SqlValue[];

export interface Sql {
  readonly text: string;
  /** One for each `?` of the text, in order. */
  readonly values: readonly SqlValue[];
}

export interface Written {
  readonly changes: number;
  /** Of the last row that an insert made. */
  readonly key: bigint;
}

/** The database itself refuses the row: a constraint, a trigger, a value that its column cannot hold. Nothing else is wrong. */
export class RowRefused extends CauceError {
  /** A unique index has such a row already. */
  readonly duplicate: boolean;

  constructor(message: string, duplicate: boolean) {
    super('ERR_ROW_REFUSED', message);
    this.duplicate = duplicate;
  }
}

/** Inside of `Database.write`: all of it or nothing. */
export interface Transaction {
  read(sql: Sql): Promise<readonly SqlRow[]>;
  /** Rejects with {@link RowRefused} when it is about the row. */
  run(sql: Sql): Promise<Written>;
}

/** A connection to a database, as a table needs it. Statements are prepared: a value never becomes a part of a text. */
export interface Database {
  readonly dialect: Dialect;
  /** Rows as arrays, in the order of the select list. Rejects as soon as the signal aborts. */
  read(sql: Sql, signal: AbortSignal): Promise<readonly SqlRow[]>;
  /** Runs one after the other for the same table, also across processes. Rolled back when `work` rejects. */
  write<T>(work: (transaction: Transaction) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Where databases differ. Every method makes SQL from parts that are names or expressions, never from a request's text. */
export interface Dialect {
  /** Its driver ends a text at a NUL, on both ways, so that a condition with one is the core's. */
  readonly endsAtNul?: true;
  /** Its index does not serve a range of {@link exact}, and has to be asked in the collation's own way. */
  readonly rangeMissesIndex?: true;
  quote(name: string): string;
  /** The stored form of a time, as a value to compare a time column with. */
  timeValue(time: number): SqlValue;
  /** A time column as the text that {@link readTime} reads, where the database makes it cheaper than its driver does. */
  timeText?(column: string): string;
  /** Microseconds since 1970 of what a time column holds; `undefined` for NULL and for what is no time. */
  readTime(value: SqlValue): number | undefined;
  /** The column as text whose bytes are compared, whatever its collation; no padding, no case folding. */
  exact(column: string): string;
  /** The value of one `?`, in the same form as {@link exact}. */
  exactValue: string;
  /** Microseconds since 1970 of a time column, as a whole number. */
  micros(column: string): string;
  /** The value at a JSON path (one `?`) as unquoted text; NULL when it is absent. */
  jsonText(column: string): string;
  /** The type of the value at a JSON path (one `?`), in capital letters: OBJECT, ARRAY, STRING, INTEGER, DOUBLE, DECIMAL, BOOLEAN, NULL …; NULL when absent. */
  jsonType(column: string): string;
  /** An expression as a double. */
  real(expression: string): string;
  /** A test of what a value is. Only where a column may hold a value of any type (SQLite). */
  holds?(column: string, type: 'number' | 'text'): string;
  /** A short text for a long one. Only where the database looks at no more than the beginning of texts when it puts them in order. */
  digest?(text: string): string;
  /** The sum of an expression of numbers, exact for whole numbers and decimals as far as the database can; never an overflow. */
  sum(expression: string): string;
}
