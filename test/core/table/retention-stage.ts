import { openDatabase } from '../../../core/state/sqlite.ts';
import type { Database, Dialect, Sql, SqlRow } from '../../../core/table/database.ts';
import type { Column, ColumnKind, Table } from '../../../core/table/table.ts';

export interface SqliteTable {
  readonly database: Database;
  readonly table: Table;
  /** Texts of all statements that were run, in order. */
  readonly texts: string[];
  /** Inserts rows with these times, in microseconds; null for a row without one. */
  insert(times: readonly (number | null)[]): void;
  /** The times that are there, in the order of the keys. */
  times(): (number | null)[];
  /** Has the database refuse to delete rows of this time. */
  refuse(time: number): void;
  close(): void;
}

/** A table whose times are whole numbers, in a real SQLite file, with awkward names. */
export function sqliteTable(path: string): SqliteTable {
  const connection = openDatabase(path);
  const texts: string[] = [];
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const [name, key, time] = ['my "rows"', 'the key', 'at'];
  connection.exec(`CREATE TABLE ${quote(name)} (${quote(key)} INTEGER PRIMARY KEY, ${quote(time)} INTEGER)`);
  const rows = ({ text, values }: Sql): SqlRow[] => {
    texts.push(text);
    const found = connection.prepare(text).all(...values);
    return found.map((row) => Object.values(row));
  };
  const database: Database = {
    // What retention needs of it.
    dialect: {
      quote,
      timeValue: (at) => at,
      readTime: (value) => (typeof value === 'number' ? value : undefined),
      micros: (column) => column,
    } as Partial<Dialect> as Dialect,
    read: async (sql, signal) => {
      signal.throwIfAborted();
      return rows(sql);
    },
    async write(work, signal) {
      signal.throwIfAborted();
      connection.exec('BEGIN IMMEDIATE');
      try {
        const result = await work({
          read: async (sql) => rows(sql),
          async run({ text, values }) {
            texts.push(text);
            return { changes: Number(connection.prepare(text).run(...values).changes), key: 0n };
          },
        });
        connection.exec('COMMIT');
        return result;
      } catch (error) {
        connection.exec('ROLLBACK');
        throw error;
      }
    },
  };
  const column = (of: string, kind: ColumnKind): Column => ({ field: of, column: of, kind, nullable: true, defaulted: true });
  const keyColumn = column(key, 'integer');
  const timeColumn = column(time, 'time');
  return {
    database,
    table: { name, columns: [keyColumn, timeColumn], key: keyColumn, time: timeColumn, indexed: new Set(), identity: [] },
    texts,
    insert(times) {
      const statement = connection.prepare(`INSERT INTO ${quote(name)} (${quote(time)}) VALUES (?)`);
      connection.exec('BEGIN');
      for (const at of times) statement.run(at);
      connection.exec('COMMIT');
    },
    times: () =>
      connection
        .prepare(`SELECT ${quote(time)} AS at FROM ${quote(name)} ORDER BY ${quote(key)}`)
        .all()
        .map(({ at }) => at as number | null),
    refuse: (at) =>
      connection.exec(
        `CREATE TRIGGER stays BEFORE DELETE ON ${quote(name)} WHEN OLD.${quote(time)} = ${at} BEGIN SELECT RAISE(ABORT, 'this row stays'); END`,
      ),
    close: () => connection.close(),
  };
}
