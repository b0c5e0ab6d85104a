import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { RetryableError } from '../../core/contract/index.ts';
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
  /** Which file was opened under the path. */
  #identity = '';

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
      this.#identity = identityOf(this.path);
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

  /** Others get their turn before each statement: it runs within this process, and many follow each other when a table is read. */
  async read(sql: Sql, signal: AbortSignal): Promise<readonly SqlRow[]> {
    await turn();
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
    this.#checkPlace();
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

  /** What is written to a file that has no name any more is gone when it is closed. */
  #checkPlace(): void {
    if (identityOf(this.path) === this.#identity) return;
    const text = `${this.path} was removed or replaced while it was open, so nothing can be kept in it; put it back, or start the agent again`;
    throw new RetryableError(text, { code: 'ERR_SQLITE' });
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

function identityOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.dev}.${stat.ino}` : '';
}
