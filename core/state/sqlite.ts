import { createRequire } from 'node:module';

export type SqlValue = null | number | bigint | string | Uint8Array;

/** A prepared statement, kept for as long as its database is open. */
export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: SqlValue[]): Record<string, SqlValue>[];
  /** Whole numbers come as bigint. */
  setReadBigInts(on: boolean): void;
  /** Rows come as lists of their values. */
  setReturnArrays(on: boolean): void;
}

/** The part of `node:sqlite` that the state uses. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type Constructor = new (path: string, options?: { readOnly?: boolean }) => Database;

const require = createRequire(import.meta.url);
let found: Constructor | undefined;

/** Opens with `node:sqlite` where Node has it without a flag and can give rows as lists (22.16 and later), else with the same library prebuilt in a package. */
export function openDatabase(path: string, options: { readOnly?: boolean } = {}): Database {
  found ??= builtIn() ?? packaged();
  return new found(path, options);
}

/** All or nothing; in one go, so that no other work of this process comes between. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  let result: T;
  try {
    result = work();
    database.exec('COMMIT');
  } catch (error) {
    rollBack(database, error);
    throw error;
  }
  return result;
}

/** SQLite has rolled back by itself after a full disk or an I/O error, and then says that there is no transaction. */
function rollBack(database: Database, cause: unknown): void {
  try {
    database.exec('ROLLBACK');
  } catch (error) {
    if (!/no transaction is active/.test((error as Error).message))
      throw new AggregateError([cause, error], 'a transaction could not be undone');
  }
}

function builtIn(): Constructor | undefined {
  const warn = process.emitWarning;
  // That node:sqlite is experimental is no news to a person who starts an agent; every other warning is passed on.
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).includes('SQLite is an experimental feature')) warn.call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    const { DatabaseSync, StatementSync } = require('node:sqlite') as { DatabaseSync: Constructor; StatementSync: { prototype: object } };
    return 'setReturnArrays' in StatementSync.prototype ? DatabaseSync : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_BUILTIN_MODULE') return undefined;
    throw error;
  } finally {
    process.emitWarning = warn;
  }
}

function packaged(): Constructor {
  return (require('@photostructure/sqlite') as { DatabaseSync: Constructor }).DatabaseSync;
}
