import {
  openSqlite,
  type Sql,
  type SqliteConnection,
  type SqliteStatement,
  type SqlRow,
  type SqlValue,
  type Written,
} from '../../core/table/index.ts';

const MOST_STATEMENTS = 64;
const INT64 = { least: -(2n ** 63n), greatest: 2n ** 63n - 1n };

/** One connection to a file, with its prepared statements. Everything is done at once; nothing waits for a lock. */
export class Connection {
  readonly #connection: SqliteConnection;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(path: string, settings: string) {
    this.#connection = openSqlite(path);
    try {
      this.#connection.exec(`PRAGMA busy_timeout = 0; ${settings}`);
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  exec(text: string): void {
    this.#connection.exec(text);
  }

  read({ text, values }: Sql): readonly SqlRow[] {
    const rows = this.#prepared(text).all(...values.map(bindable)) as unknown as SqlValue[][];
    for (const row of rows) {
      for (let place = 0; place < row.length; place++) if (typeof row[place] === 'bigint') row[place] = smaller(row[place] as bigint);
    }
    return rows;
  }

  run({ text, values }: Sql): Written {
    const { changes, lastInsertRowid } = this.#prepared(text).run(...values.map(bindable));
    return { changes: Number(changes), key: BigInt(lastInsertRowid) };
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  /** The most lately used are kept. */
  #prepared(text: string): SqliteStatement {
    const known = this.#statements.get(text);
    const statement = known ?? this.#connection.prepare(text);
    if (known) this.#statements.delete(text);
    else {
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
    }
    this.#statements.set(text, statement);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > MOST_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest);
    return statement;
  }
}

function smaller(value: bigint): SqlValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** SQLite compares a text of digits with a whole number by value. */
function bindable(value: SqlValue): SqlValue {
  return typeof value === 'bigint' && (value < INT64.least || value > INT64.greatest) ? String(value) : value;
}
