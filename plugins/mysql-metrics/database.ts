import { createHash } from 'node:crypto';
import { RetryableError } from '../../core/contract/index.ts';
import type { Database, Dialect, Sql, SqlRow, Transaction } from '../../core/table/index.ts';
import { mysqlDialect } from './dialect.ts';
import { explain, isChanged, type Place, refusal } from './errors.ts';
import { abortable, Pool } from './pool.ts';
import { type Purpose, type Server, Session, type SessionOptions } from './session.ts';

/** How long after the server should have ended a statement by itself it is given up on: it does not answer at all then. */
const GRACE_MS = 2000;
const MAX_WRITERS = 500;

export interface DatabaseOptions extends SessionOptions {
  readonly place: Place;
  /** Its name in its database. */
  readonly table: string;
  readonly pool: number;
  /** A statement met another table than the one that was looked at. */
  changed(): void;
}

/** A server of MySQL or MariaDB. Nothing is connected before it is asked something. */
export class MysqlDatabase implements Database {
  readonly #options: DatabaseOptions;
  readonly #pool: Pool;
  readonly #lock: string;
  #server: Server | undefined;
  #dialect: Dialect;
  #writing: Promise<unknown> = Promise.resolve();
  #writers = 0;
  readonly #ending = new Set<Promise<void>>();

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#dialect = mysqlDialect('MariaDB', options.zone);
    this.#pool = new Pool(
      options.pool,
      () => this.#connect('read'),
      (session) => this.#kill(session),
    );
    // A lock's name has at most 64 characters.
    this.#lock = `cauce:${createHash('sha256').update(`${options.login.database}.${options.table}`).digest('hex').slice(0, 32)}`;
  }

  /** The server's own once it was met; a table is known only after that. */
  get dialect(): Dialect {
    return this.#dialect;
  }
  /** What was met last. */
  get server(): Server | undefined {
    return this.#server;
  }

  read(sql: Sql, signal: AbortSignal): Promise<readonly SqlRow[]> {
    return this.#explained(signal, this.#patience, (bounded) => this.#pool.use((session) => session.read(sql), bounded));
  }

  write<T>(work: (transaction: Transaction) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#locked('write', signal, async (session) => {
      await session.command('START TRANSACTION');
      // A rejection ends the session, and with it what was begun.
      const result = await work({
        read: (sql) => session.read(sql),
        async run(sql) {
          const { affectedRows, insertId } = await session.run(sql).catch((error: unknown) => Promise.reject(refusal(error)));
          // The driver tells an unsigned key beyond 2^63 as a negative one.
          return { changes: affectedRows, key: BigInt.asUintN(64, BigInt(insertId)) };
        },
      });
      await session.command('COMMIT');
      return result;
    });
  }

  /** Changes the schema: every statement counts by itself. Runs one after the other with {@link write}, also across processes. */
  define<T>(work: (session: Pick<Session, 'read' | 'command'>) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#locked('define', signal, work);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), ...this.#ending]);
  }

  /** How long a statement is waited for at most. */
  get #patience(): number {
    return this.#options.timeout + GRACE_MS;
  }

  /** On a connection of its own, since readers' sessions refuse to write. One at a time for this process, then for all. */
  #locked<T>(purpose: Purpose, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#writers >= MAX_WRITERS) {
      return Promise.reject(
        new RetryableError(`${MAX_WRITERS} others wait to write to ${this.#options.place.table} already; repeat it later`),
      );
    }
    this.#writers++;
    const before = this.#writing;
    const patience = purpose === 'define' ? undefined : this.#patience;
    const writing = abortable(before, signal).then(() =>
      this.#explained(signal, patience, (bounded) => this.#alone(purpose, work, bounded)),
    );
    const over = writing.then(
      () => undefined,
      () => undefined,
    );
    this.#writing = before.then(() => over);
    void over.then(() => this.#writers--);
    return writing;
  }

  async #alone<T>(purpose: Purpose, work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    const pool = new Pool(
      1,
      () => this.#connect(purpose),
      (session) => this.#kill(session),
    );
    try {
      return await pool.use(async (session) => {
        try {
          await this.#takeLock(session);
          return await work(session);
        } catch (error) {
          session.destroy();
          throw error;
        }
      }, signal);
    } finally {
      const ending: Promise<void> = pool.close().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
  }

  async #takeLock(session: Session): Promise<void> {
    const { place, timeout } = this.#options;
    const [row] = await session.read({ text: 'SELECT GET_LOCK(?, ?)', values: [this.#lock, Math.max(1, Math.floor(timeout / 2000))] });
    if (String(row?.[0]) === '1') return;
    throw new RetryableError(`somebody else has been writing to ${place.table} at ${place.at} for too long; repeat it later`);
  }

  async #connect(purpose: Purpose): Promise<Session> {
    const session = await Session.open(this.#options, purpose);
    if (session.server.flavour !== this.#server?.flavour) this.#dialect = mysqlDialect(session.server.flavour, this.#options.zone);
    this.#server = session.server;
    return session;
  }

  /** Without a connection left for it, the server's own limit of a statement's time does it. */
  async #kill({ id }: Session): Promise<void> {
    try {
      const killer = await Session.open(this.#options, 'write');
      await killer.command(`KILL ${id}`).catch(() => undefined);
      await killer.end();
    } catch {
      // The server is gone, and the statement with it; or it ends the statement itself.
    }
  }

  async #explained<T>(signal: AbortSignal, patience: number | undefined, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
    const { place, changed } = this.#options;
    const late = patience === undefined ? undefined : AbortSignal.timeout(patience);
    try {
      return await work(late ? AbortSignal.any([signal, late]) : signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (late?.aborted) throw explain(new Unanswered(patience ?? 0), place);
      if (isChanged(error)) changed();
      throw explain(error, place);
    }
  }
}

class Unanswered extends Error {
  readonly code = 'ER_QUERY_TIMEOUT';
  constructor(patience: number) {
    super(`no answer for ${patience / 1000} s`);
  }
}
