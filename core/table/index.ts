/** A table of a database as a source, published as `cauce/table`. */

export { createPrivately } from '../state/private-file.ts';
export { type Database as SqliteConnection, openDatabase as openSqlite, type Statement as SqliteStatement } from '../state/sqlite.ts';
export * from './database.ts';
export * from './mapping.ts';
export { notAdded } from './not-added.ts';
export * from './source.ts';
export * from './table.ts';
