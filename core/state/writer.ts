import { CauceError } from '../contract/index.ts';
import { failure } from './failure.ts';
import { type Database, transaction } from './sqlite.ts';

interface Pending {
  readonly work: () => void;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Commits in groups: all that is handed over in one turn of the event loop shares one transaction and one wait for the disk.
 * It holds no more than its callers are waiting for.
 */
export class Writer {
  readonly #database: Database;
  readonly #path: string;
  #pending: Pending[] = [];
  #closed = false;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when what `work` writes is on the disk. */
  write(work: () => void): Promise<void> {
    if (this.#closed) return Promise.reject(new CauceError('ERR_STATE', `${this.#path} is closed already`));
    return new Promise((resolve, reject) => {
      if (this.#pending.length === 0) setImmediate(() => this.#flush());
      this.#pending.push({ work, resolve, reject });
    });
  }

  /** Commits what is pending. */
  close(): void {
    this.#flush();
    this.#closed = true;
  }

  #flush(): void {
    const group = this.#pending;
    this.#pending = [];
    if (group.length === 0) return;
    try {
      // FULL: what was acknowledged survives a power failure too.
      this.#database.exec('PRAGMA synchronous = FULL');
      transaction(this.#database, () => {
        for (const { work } of group) work();
      });
    } catch (error) {
      for (const { reject } of group) reject(failure(error, this.#path));
      return;
    }
    for (const { resolve } of group) resolve();
  }
}
