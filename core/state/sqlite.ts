import { createRequire } from 'node:module';

export type SqlValue = null | number | bigint | string | Uint8Array;

/** A prepared statement, kept for as long as its database is open. */
export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint };
  get(...values: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: SqlValue[]): Record<string, SqlValue>[];
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

/** Opens with `node:sqlite` where Node has it, else with the same library prebuilt in a package. */
export function openDatabase(path: string): Database {
  found ??= findConstructor();
  return new found(path);
}

function findConstructor(): Constructor {
  if (process.versions.node.split('.').map(Number).at(0) === 20) return packaged();
  const warn = process.emitWarning;
  // Node warns once that node:sqlite is experimental, which is no news to a person who starts an agent.
  process.emitWarning = () => undefined;
  try {
    return (require('node:sqlite') as { DatabaseSync: Constructor }).DatabaseSync;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_BUILTIN_MODULE') return packaged();
    throw error;
  } finally {
    process.emitWarning = warn;
  }
}

function packaged(): Constructor {
  return (require('@photostructure/sqlite') as { DatabaseSync: Constructor }).DatabaseSync;
}
