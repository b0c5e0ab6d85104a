import { accessSync, chmodSync, constants, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type Json, type KeyValue, type Log, PermanentError } from '../contract/index.ts';
import { DamagedError, failure, isDamaged, isForeign, isReadOnly } from './failure.ts';
import { createJournal, type Journal } from './journal.ts';
import { inTurn, lockFolder } from './lock.ts';
import { createPrivately } from './private-file.ts';
import { checkVersion, migrate } from './schema.ts';
import { type Database, openDatabase, transaction } from './sqlite.ts';
import { Writer } from './writer.ts';

export type { Journal } from './journal.ts';

/** What the agent remembers: one SQLite file, crash-safe, private to its user. */
export interface State {
  /**
   * Values of one scope; others cannot be reached through it. A value survives a kill at once, a power failure a little later: after
   * one, all later writes may be missing together, never one alone.
   */
  keyValue(scope: string): KeyValue;
  journal(source: string): Journal;
  /** Does work that only one process of this state may do at a time; waits for its turn until the signal aborts. */
  inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Where a damaged file was put aside. */
  readonly quarantined?: string;
  close(): void;
}

export interface StateOptions {
  readonly log: Log;
  /** Whether this process is the folder's agent; a second one is refused. */
  readonly exclusive: boolean;
  /** Only read what is there: nothing is created, claimed, migrated or put aside. */
  readonly readOnly?: boolean;
}

/**
 * Opens the state in `directory`. A damaged file is put aside by the folder's agent, said so, and a new one is begun.
 * Throws a PermanentError for a folder that another agent uses or that cannot be written, and for a file of a newer agent.
 */
export async function openState(directory: string, { log, exclusive, readOnly = false }: StateOptions): Promise<State> {
  const path = join(directory, 'state.db');
  if (readOnly) return openToRead(path);
  let release = () => {};
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (exclusive) release = lockFolder(directory);
    const { database, quarantined } = openOrBegin(path, log, exclusive);
    createPrivately(turnsOf(path));
    return { ...wrap(database, path, release), ...(quarantined !== undefined && { quarantined }) };
  } catch (error) {
    release();
    throw failure(error, path);
  }
}

function turnsOf(path: string): string {
  return join(dirname(path), 'turn.lock');
}

function openToRead(path: string): State {
  if (!existsSync(path)) throw new PermanentError(`there is no state at ${path}; the agent writes it when it runs`, { code: 'ERR_STATE' });
  try {
    const database = openDatabase(path, { readOnly: true });
    database.exec('PRAGMA busy_timeout = 5000');
    checkVersion(database, path);
    return wrap(database, path, () => {}, true);
  } catch (error) {
    throw failure(error, path);
  }
}

function openOrBegin(path: string, log: Log, exclusive: boolean): { database: Database; quarantined?: string } {
  try {
    return { database: openChecked(path, exclusive) };
  } catch (error) {
    // Only the folder's agent may move the file: another process may have it open.
    if (!exclusive || !isDamaged(error)) throw error;
    const quarantined = `${path}.corrupt-${new Date().toISOString().replace(/[-:]/g, '').replace('.', '')}`;
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, quarantined + suffix);
    log.error('the state file is damaged; it was put aside and a new one is begun, so checkpoints and recorded history start anew', {
      file: path,
      put_aside: quarantined,
      error: describe(error),
    });
    return { database: openChecked(path, exclusive), quarantined };
  }
}

function openChecked(path: string, exclusive: boolean): Database {
  const created = createPrivately(path);
  if (!created && exclusive && statSync(path).size === 0) throw new DamagedError('the file is empty');
  const database = openDatabase(path);
  try {
    chmodSync(path, 0o600);
    database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (verdict !== 'ok') throw new DamagedError(String(verdict));
    migrate(database, path);
    probeWriting(database, path);
    return database;
  } catch (error) {
    database.close();
    throw isForeign(error) ? new DamagedError('it is not laid out as its version says', { cause: error }) : error;
  }
}

/** One flipped bit in its header makes a file that may be written one that SQLite will not write, for ever. */
function probeWriting(database: Database, path: string): void {
  try {
    transaction(database, () => {
      database.exec("INSERT OR REPLACE INTO key_value VALUES ('', '', 'null'); DELETE FROM key_value WHERE scope = '' AND key = ''");
    });
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    throw new DamagedError('its header forbids to write it', { cause: error });
  }
}

function wrap(database: Database, path: string, release: () => void, readOnly = false): State {
  const read = database.prepare('SELECT value FROM key_value WHERE scope = ? AND key = ?');
  const write = database.prepare(
    'INSERT INTO key_value (scope, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM key_value WHERE scope = ? AND key = ?');
  const writer = new Writer(database, path);
  const journals = new Map<string, Journal>();

  /** Values are checkpoints: losing the last ones repeats some work, which is cheaper than a wait for the disk each time. */
  function change(work: () => unknown): void {
    try {
      database.exec('PRAGMA synchronous = NORMAL');
      work();
    } catch (error) {
      throw failure(error, path);
    }
  }

  return {
    keyValue: (scope) => ({
      async get(key) {
        const row = read.get(scope, key);
        return row === undefined ? undefined : (JSON.parse(row['value'] as string) as Json);
      },
      set: async (key, value) => change(() => write.run(scope, key, JSON.stringify(value))),
      delete: async (key) => change(() => remove.run(scope, key)),
    }),
    journal(source) {
      const journal = journals.get(source) ?? createJournal(database, writer, source);
      journals.set(source, journal);
      return journal;
    },
    inTurn: (work, signal) => inTurn(turnsOf(path), work, signal),
    close() {
      if (writer.closed) return;
      writer.close();
      try {
        if (!readOnly) database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch (error) {
        throw failure(error, path);
      } finally {
        database.close();
        release();
      }
    },
  };
}
