import { PermanentError } from '../contract/index.ts';
import { type Database, transaction } from './sqlite.ts';

/** Each brings the file one version further; a released one is never changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE key_value (scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;
   CREATE TABLE journal (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL, json TEXT NOT NULL, origin TEXT
   );
   CREATE UNIQUE INDEX journal_order ON journal (source, time, id);
   CREATE UNIQUE INDEX journal_id ON journal (source, id);
   CREATE INDEX journal_seq ON journal (source, seq);`,
  // A new file counts on from the time it is begun at, so that a cursor of an older file is behind everything in it, never ahead.
  // The floor is the highest seq that is gone: of a source by pruning, of '' by the file before this one.
  `CREATE TABLE journal_floor (source TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO sqlite_sequence (name, seq)
     SELECT 'journal', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'journal');
   INSERT INTO journal_floor (source, seq)
     SELECT '', seq FROM sqlite_sequence WHERE name = 'journal' AND NOT EXISTS (SELECT 1 FROM journal);`,
];

/** What this version of the agent reads; it fails on a file whose tables are not those of its version. */
const READS = [
  'SELECT scope, key, value FROM key_value',
  'SELECT seq, source, id, time, json, origin FROM journal',
  'SELECT source, seq FROM journal_floor',
];

/** Brings a file to the version of this agent. Throws a PermanentError for one of a newer agent. */
export function migrate(database: Database, path: string): void {
  if (versionOf(database, path) < MIGRATIONS.length) {
    // Two processes may open a new file at once; the second finds it migrated.
    transaction(database, () => {
      for (let version = versionOf(database, path); version < MIGRATIONS.length; version++) {
        database.exec(MIGRATIONS[version] as string);
        database.exec(`PRAGMA user_version = ${version + 1}`);
      }
    });
  }
  for (const sql of READS) database.prepare(sql);
}

/** For those who only read: whether the file is of this very version. */
export function checkVersion(database: Database, path: string): void {
  if (versionOf(database, path) < MIGRATIONS.length) {
    throw new PermanentError(`${path} was written by an older agent; start this one once, which brings it up to date`);
  }
}

function versionOf(database: Database, path: string): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new PermanentError(
      `${path} was written by a newer agent (version ${version}, this one knows ${MIGRATIONS.length}); run that one, or name another folder in agent.state`,
    );
  }
  return version;
}
