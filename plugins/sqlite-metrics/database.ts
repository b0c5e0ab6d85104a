import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPrivately, type Database, type Sql, type SqlRow, type Transaction } from '../../core/table/index.ts';
import { Connection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { fault, isBusy, notOpen } from './faults.ts';

const ASK_AGAIN_MS = 10;
/** Milliseconds for which another process may hold the file. */
const PATIENCE_MS = 10_000;

/**
 * A file with two connections: one reads, so that nobody sees what the other has not committed. SQLite works within the
 * process, one statement after the other; a lock that another process holds is waited for without blocking.
 */
export class SqliteDatabase implements Database {
  readonly dialect = sqliteDialect();
  readonly path: string;
  #reader: Connection | undefined;
  #writer: Connection | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  get isOpen(): boolean {
    return this.#reader !== undefined;
  }

  /** Makes the file and its folder when they are missing. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#patiently(() => {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const isNew = createPrivately(this.path) || statSync(this.path).size === 0;
      // Somebody else's file stays as it is: that readers and a writer go side by side is a property of the file.
      this.#writer ??= new Connection(
        this.path,
        isNew ? 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL' : 'PRAGMA synchronous = FULL',
      );
      this.#reader ??= new Connection(this.path, 'PRAGMA query_only = ON');
    }, signal);
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined);
    this.#reader?.close();
    try {
      // So that the file is whole by itself, for whoever copies it.
      this.#writer?.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      this.#writer?.close();
      this.#reader = this.#writer = undefined;
    }
  }

  read(sql: Sql, signal: AbortSignal): Promise<readonly SqlRow[]> {
    return this.#patiently(() => (this.#reader ?? notOpen(this.path)).read(sql), signal);
  }

  /** Without waiting for a lock. */
  readNow(sql: Sql): readonly SqlRow[] {
    try {
      return (this.#reader ?? notOpen(this.path)).read(sql);
    } catch (error) {
      throw fault(error, this.path);
    }
  }

  write<T>(work: (transaction: Transaction) => Promise<T>, signal: AbortSignal): Promise<T> {
    const result = this.#turn.then(() => this.#transaction(work, signal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #transaction<T>(work: (transaction: Transaction) => Promise<T>, signal: AbortSignal): Promise<T> {
    const writer = this.#writer ?? notOpen(this.path);
    const step = async <S>(act: () => S): Promise<S> => {
      signal.throwIfAborted();
      try {
        return act();
      } catch (error) {
        throw fault(error, this.path);
      }
    };
    await this.#patiently(() => writer.exec('BEGIN IMMEDIATE'), signal);
    try {
      const result = await work({ read: (sql) => step(() => writer.read(sql)), run: (sql) => step(() => writer.run(sql)) });
      await this.#patiently(() => writer.exec('COMMIT'), signal);
      return result;
    } catch (error) {
      rollBack(writer, error);
      throw error;
    }
  }

  async #patiently<T>(act: () => T, signal: AbortSignal): Promise<T> {
    for (let left = PATIENCE_MS / ASK_AGAIN_MS; ; left--) {
      signal.throwIfAborted();
      try {
        return act();
      } catch (error) {
        if (!isBusy(error) || left <= 0) throw fault(error, this.path);
      }
      await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** After a full disk SQLite has rolled back by itself, and then says that there is no transaction. */
function rollBack(writer: Connection, cause: unknown): void {
  try {
    writer.exec('ROLLBACK');
  } catch (error) {
    if (!/no transaction is active/.test((error as Error).message))
      throw new AggregateError([cause, error], 'a transaction could not be undone');
  }
}
