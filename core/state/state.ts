import { chmodSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CauceError, type Json, type KeyValue, type Log } from '../contract/index.ts';
import { createJournal, type Journal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { migrate } from './schema.ts';
import { type Database, openDatabase } from './sqlite.ts';

export type { Journal } from './journal.ts';

/** What the agent remembers: one SQLite file, crash-safe, private to its user. */
export interface State {
  /** Values of one scope; others cannot be reached through it. */
  keyValue(scope: string): KeyValue;
  journal(source: string): Journal;
  /** Where a damaged file was put aside. */
  readonly quarantined?: string;
  close(): void;
}

export interface StateOptions {
  readonly log: Log;
  /** Whether this process is the folder's agent; a second one is refused. */
  readonly exclusive: boolean;
}

/** SQLITE_CORRUPT, SQLITE_NOTADB and what quick_check finds; everything else is no reason to put a file aside. */
const DAMAGED = /malformed|not a database|disk image/i;

/** Opens the state in `directory`. A damaged file is put aside, said so, and a new one is begun. */
export async function openState(directory: string, { log, exclusive }: StateOptions): Promise<State> {
  const path = join(directory, 'state.db');
  let release = () => {};
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (exclusive) release = lockFolder(directory);
    const { database, quarantined } = openOrBegin(path, log, exclusive);
    chmodSync(path, 0o600);
    return { ...wrap(database, release), ...(quarantined !== undefined && { quarantined }) };
  } catch (error) {
    release();
    if (error instanceof CauceError) throw error;
    throw new CauceError('ERR_STATE', `the state in ${directory} cannot be opened; the folder must be writable and its disk not full`, {
      cause: error,
    });
  }
}

function openOrBegin(path: string, log: Log, exclusive: boolean): { database: Database; quarantined?: string } {
  try {
    return { database: openChecked(path) };
  } catch (error) {
    if (!DAMAGED.test((error as Error).message)) throw error;
    if (!exclusive) throw new CauceError('ERR_STATE', `${path} is damaged; the agent puts it aside when it is started`, { cause: error });
    const quarantined = `${path}.corrupt-${new Date().toISOString().replace(/[-:]/g, '').replace('.', '')}`;
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, quarantined + suffix);
    log.error('the state file is damaged; it was put aside and a new one is begun, so checkpoints and recorded history start anew', {
      file: path,
      put_aside: quarantined,
      error: (error as Error).message,
    });
    return { database: openChecked(path), quarantined };
  }
}

function openChecked(path: string): Database {
  const database = openDatabase(path);
  try {
    // FULL: what was acknowledged survives a power failure too.
    database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    const found = database.prepare('PRAGMA quick_check(1)').get();
    const verdict = String(Object.values(found ?? {})[0]);
    if (verdict !== 'ok') throw new Error(`database disk image is malformed: ${verdict}`);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function wrap(database: Database, release: () => void): State {
  const read = database.prepare('SELECT value FROM key_value WHERE scope = ? AND key = ?');
  const write = database.prepare(
    'INSERT INTO key_value (scope, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM key_value WHERE scope = ? AND key = ?');
  const journals = new Map<string, Journal>();
  return {
    keyValue: (scope) => ({
      async get(key) {
        const row = read.get(scope, key);
        return row === undefined ? undefined : (JSON.parse(row['value'] as string) as Json);
      },
      set: async (key, value) => void write.run(scope, key, JSON.stringify(value)),
      delete: async (key) => void remove.run(scope, key),
    }),
    journal(source) {
      const journal = journals.get(source) ?? createJournal(database, source);
      journals.set(source, journal);
      return journal;
    },
    close() {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
      release();
    },
  };
}
