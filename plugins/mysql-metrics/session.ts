import type { Socket } from 'node:net';
import mysql from 'mysql2';
import { type Connection, createConnection, type FieldPacket, type ResultSetHeader } from 'mysql2/promise';
import type { Sql, SqlRow, SqlValue } from '../../core/table/index.ts';
import type { Flavour } from './dialect.ts';
import type { Login } from './login.ts';

/** What a session is for, and what it may take. */
export interface SessionOptions {
  readonly login: Login;
  /** The offset in which times come and go. */
  readonly zone: string;
  /** Milliseconds for one statement; the server ends it. */
  readonly timeout: number;
}

/** Reading sessions refuse to write. To define a schema may take as long as it takes, but not waiting for a lock: others wait behind it. */
export type Purpose = 'read' | 'write' | 'define';

export interface Server {
  readonly flavour: Flavour;
  /** As the server tells it, such as `10.11.6-MariaDB`. */
  readonly version: string;
}

/** DEFAULT would be what the server has set. */
const NO_LIMIT = 2n ** 64n - 1n;

/** One connection whose session has a known state, whatever the server's own settings are. */
export class Session {
  readonly server: Server;
  readonly #connection: Connection;
  #open = true;
  #lastUsed = Date.now();

  private constructor(connection: Connection, server: Server) {
    this.#connection = connection;
    this.server = server;
    // Only noted: the driver rejects the statement that runs, provided that the connection is not destroyed before.
    const ended = () => {
      this.#open = false;
    };
    connection.on('error', ended);
    connection.on('end', ended);
  }

  /** Connects and logs in. Rejects with the driver's own error. */
  static async open({ login, zone, timeout }: SessionOptions, purpose: Purpose): Promise<Session> {
    const connection = await createConnection(await login.config());
    // A connection that breaks while nobody uses it tells so by an event, which would otherwise end the process.
    connection.on('error', () => undefined);
    try {
      const version = String(((await connection.query('SELECT VERSION()'))[0] as unknown as SqlRow[])[0]?.[0]);
      const flavour: Flavour = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
      const most = purpose === 'define' ? 0 : timeout;
      const limit = flavour === 'MariaDB' ? `max_statement_time = ${most / 1000}` : `max_execution_time = ${Math.ceil(most)}`;
      const wait = Math.max(1, Math.ceil(timeout / 1000));
      await connection.query('SET NAMES utf8mb4');
      await connection.query(
        `SET SESSION autocommit = 1, sql_select_limit = ${NO_LIMIT}, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '${zone}', ${limit}, lock_wait_timeout = ${wait}, innodb_lock_wait_timeout = ${wait}`,
      );
      const isolation = purpose === 'read' ? 'READ COMMITTED, READ ONLY' : 'REPEATABLE READ, READ WRITE';
      await connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
      return new Session(connection, { flavour, version });
    } catch (error) {
      cut(connection);
      throw error;
    }
  }

  get id(): number {
    return this.#connection.threadId;
  }
  get open(): boolean {
    return this.#open;
  }
  get idleFor(): number {
    return Date.now() - this.#lastUsed;
  }

  /** Prepared, and kept by the connection for the next time. */
  async read({ text, values }: Sql): Promise<readonly SqlRow[]> {
    const [rows, fields] = await this.#connection.execute(text, values.map(parameter) as never[]);
    this.#lastUsed = Date.now();
    padTimes(rows as unknown as SqlValue[][], fields);
    return rows as unknown as SqlRow[];
  }

  async run({ text, values }: Sql): Promise<ResultSetHeader> {
    const [result] = await this.#connection.execute<ResultSetHeader>(text, values.map(parameter) as never[]);
    return result;
  }

  /** For what cannot be prepared; the text holds no value. */
  async command(text: string): Promise<void> {
    await this.#connection.query(text);
  }

  async end(): Promise<void> {
    this.#open = false;
    await this.#connection.end();
  }

  /** At once; a statement that runs is not waited for. */
  destroy(): void {
    this.#open = false;
    cut(this.#connection);
  }
}

/** The driver leaves zeros out at the end of a TIME, which the server has in its text of it. */
function padTimes(rows: SqlValue[][], fields: readonly FieldPacket[]): void {
  for (const [place, { columnType, decimals = 0 }] of fields.entries()) {
    if (columnType !== mysql.Types.TIME || decimals === 0 || decimals > 6) continue;
    for (const row of rows) {
      const time = row[place];
      if (typeof time !== 'string') continue;
      const [whole, fraction = ''] = time.split('.');
      row[place] = `${whole}.${fraction.padEnd(decimals, '0')}`;
    }
  }
}

/** The driver's own `destroy` waits for the server to close as well, and a server that hangs does not. */
function cut(connection: Connection): void {
  connection.destroy();
  (connection as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

const BIGGEST = 2n ** 63n;

/** A JavaScript number goes over the wire as a double, which a LIMIT refuses and which a big key does not survive. */
function parameter(value: SqlValue): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? mysql.TypedParameter.LONGLONG(value) : value;
  if (typeof value === 'bigint') {
    if (value >= -BIGGEST && value < BIGGEST) return mysql.TypedParameter.LONGLONG(value);
    return value >= 0n && value < 2n * BIGGEST ? mysql.TypedParameter.LONGLONG.unsigned(value) : String(value);
  }
  return value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
