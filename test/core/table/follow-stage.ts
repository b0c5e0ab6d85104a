import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import type { Batch, Draft, FollowFacet, FollowRequest, Position } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import type { Database, Dialect, SqlValue } from '../../../core/table/database.ts';
import { type TableFollow, tableFollow } from '../../../core/table/follow.ts';
import type { Column, ColumnKind, Table } from '../../../core/table/table.ts';
import { MysqlDatabase } from '../../../plugins/mysql-metrics/database.ts';
import { loginOf } from '../../../plugins/mysql-metrics/login.ts';
import { options } from '../../../plugins/mysql-metrics/options.ts';
import { startMariaDb } from '../../mariadb/server.ts';

/** A transaction that has inserted one row. */
export interface Begun {
  readonly key: bigint;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
}

/** A table that a test writes to, in a real database. */
export interface Shop {
  readonly database: Database;
  readonly table: Table;
  begin(): Promise<Begun>;
  run(sql: string, values?: readonly SqlValue[]): Promise<void>;
  /** Another table with a row's time in `created_at`. */
  create(name: string, key: string, kind: ColumnKind): Promise<Table>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

export function tableOf(name: string, kind: ColumnKind): Table {
  const column = (field: string, ofKind: ColumnKind): Column => ({ field, column: field, kind: ofKind, nullable: true, defaulted: true });
  const [key, time] = [column('id', kind), column('created_at', 'time')];
  return { name, columns: [key, time], key, time, indexed: new Set(['id', 'created_at']), identity: [] };
}

const unused = () => {
  throw new Error('following does not need this');
};

/** Only what following needs of a dialect; times are `YYYY-MM-DD HH:MM:SS.ffffff`. */
const sqlite: Dialect = {
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  timeValue: (time) => new Date(time / 1000).toISOString().slice(0, -1).replace('T', ' ') + String(time % 1000).padStart(3, '0'),
  readTime(value) {
    if (typeof value !== 'string') return undefined;
    const [whole = '', digits = ''] = value.split('.');
    return Date.parse(`${whole.replace(' ', 'T')}Z`) * 1000 + Number(digits.padEnd(6, '0'));
  },
  exact: unused,
  exactValue: '',
  micros: unused,
  jsonText: unused,
  jsonType: unused,
  real: unused,
  sum: unused,
};

/** `session` is what each writing connection begins with. */
export async function mariaShop(session: readonly string[] = []): Promise<Shop> {
  const server = await startMariaDb();
  const uri = { uri: server.url, timezone: 'Z', dateStrings: true, supportBigNumbers: true, bigNumberStrings: true } as const;
  const login = loginOf(options.parse({ url: server.url, table: 'things' }));
  const place = { at: login.at, user: login.user, table: 'things', encrypted: false };
  const database = new MysqlDatabase({ login, place, zone: '+00:00', timeout: 30_000, table: 'things', pool: 4, changed: () => undefined });
  const writers: Connection[] = [];
  const idle: Connection[] = [];
  await server.query('CREATE TABLE things (id BIGINT AUTO_INCREMENT PRIMARY KEY, created_at DATETIME(6) NULL) ENGINE=InnoDB');
  async function connect(): Promise<Connection> {
    const writer = await createConnection(uri);
    writers.push(writer);
    for (const sql of session) await writer.query(sql);
    return writer;
  }
  return {
    database,
    table: tableOf('things', 'integer'),
    async begin() {
      const writer = idle.pop() ?? (await connect());
      await writer.beginTransaction();
      const [result] = await writer.query('INSERT INTO things (created_at) VALUES (NOW(6))');
      const end = (how: 'commit' | 'rollback') => writer[how]().then(() => void idle.push(writer));
      const key = BigInt.asUintN(64, BigInt((result as { insertId: number }).insertId));
      return { key, commit: () => end('commit'), rollBack: () => end('rollback') };
    },
    run: async (sql, values = []) => void (await server.query(sql, values)),
    async create(name, key, kind) {
      await server.query(`CREATE OR REPLACE TABLE ${name} (id ${key} PRIMARY KEY, created_at DATETIME(6) NULL, KEY (created_at))`);
      return tableOf(name, kind);
    },
    async empty() {
      // What a test that failed has left open would hold the table.
      for (const writer of writers) await writer.rollback();
      await server.query('TRUNCATE things');
    },
    async close() {
      await Promise.all([database.close(), ...writers.map((writer) => writer.end())]);
      await server.remove();
    },
  };
}

/** SQLite has one writer at a time, so a transaction takes its key here, and the row is inserted with it at the end. */
export async function sqliteShop(): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-follow-'));
  const path = join(folder, 'things.db');
  const [writer, reader] = [openDatabase(path), openDatabase(path)];
  writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE things (id INTEGER PRIMARY KEY, created_at TEXT)');
  let last = 0n;
  const insert = writer.prepare('INSERT INTO things VALUES (?, ?)');
  const database: Database = {
    dialect: sqlite,
    async read({ text, values }, signal) {
      signal.throwIfAborted();
      const rows = reader.prepare(text).all(...values);
      return rows.map((row) => Object.values(row));
    },
    write: unused,
  };
  return {
    database,
    table: tableOf('things', 'integer'),
    async begin() {
      const key = ++last;
      const time = database.dialect.timeValue(Date.now() * 1000);
      return { key, commit: async () => void insert.run(key, time), rollBack: async () => undefined };
    },
    run: async (sql, values = []) => void writer.prepare(sql).run(...values),
    async create(name, key, kind) {
      writer.exec(`DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (id ${key} PRIMARY KEY, created_at TEXT)`);
      return tableOf(name, kind);
    },
    async empty() {
      last = 0n;
      writer.exec('DELETE FROM things');
    },
    async close() {
      for (const one of [writer, reader]) one.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export function followOf({ database, table }: Shop, options: Partial<TableFollow> = {}): FollowFacet {
  return tableFollow({ database, table: () => table, source: 'things', every: 1, late: 600_000, log: quiet, ...options });
}

export interface Seen {
  readonly id: string;
  readonly draft: Draft;
  readonly cursor: string;
}

/** Somebody who reads a feed, and remembers everything with its cursor. */
export class Reader {
  readonly seen: Seen[] = [];
  readonly batches: Batch[] = [];
  readonly #follow: FollowFacet;
  readonly #controller = new AbortController();
  start = '';
  #reading: Promise<void> = Promise.resolve();

  private constructor(follow: FollowFacet) {
    this.#follow = follow;
  }

  static async open(follow: FollowFacet, after: FollowRequest['after'], until?: Position): Promise<Reader> {
    const reader = new Reader(follow);
    await reader.#open({ after, ...(until && { until }) });
    return reader;
  }

  /** All that there is between two positions. */
  static async between(follow: FollowFacet, after: FollowRequest['after'], until: Position): Promise<readonly Seen[]> {
    const reader = await Reader.open(follow, after, until);
    await reader.#reading;
    return reader.seen;
  }

  get ids(): string[] {
    return this.seen.map(({ id }) => id);
  }

  /** Behind the last batch. */
  get position(): Position {
    return { '': this.batches.at(-1)?.cursor ?? this.start };
  }

  async stop(): Promise<void> {
    this.#controller.abort(new Error('enough'));
    await this.#reading.catch((error) => {
      if (!this.#controller.signal.aborted) throw error;
    });
  }

  async #open(request: FollowRequest): Promise<void> {
    const { start, batches } = await this.#follow.open(request, this.#controller.signal);
    this.start = start[''] as string;
    this.#reading = this.#read(batches);
    this.#reading.catch(() => undefined);
  }

  async #read(batches: AsyncIterable<Batch>): Promise<void> {
    for await (const batch of batches) {
      this.batches.push(batch);
      for (const [index, draft] of batch.entries.entries()) this.seen.push({ id: draft.id, draft, cursor: batch.cursorAt(index) });
    }
  }
}
