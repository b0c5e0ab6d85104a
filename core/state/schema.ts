import { PermanentError } from '../contract/index.ts';
import type { Database } from './sqlite.ts';

/** Each brings the file one version further; a released one is never changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE key_value (scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;
   CREATE TABLE journal (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL, json TEXT NOT NULL, origin TEXT
   );
   CREATE UNIQUE INDEX journal_order ON journal (source, time, id);
   CREATE UNIQUE INDEX journal_id ON journal (source, id);
   CREATE INDEX journal_seq ON journal (source, seq);`,
];

export function migrate(database: Database, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new PermanentError(
      `${path} was written by a newer agent (version ${version}, this one knows ${MIGRATIONS.length}); run that one, or name another folder in agent.state`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}
