import type { types } from 'cassandra-driver';
import type { Micros } from '../../core/contract/index.ts';
import { dayOf, type Partition } from './keys.ts';
import type { Stored } from './row.ts';
import type { Statement } from './session.ts';
import { BATCHES, BATCHES_KEPT, BY_REQUEST, HOURS, LOG_FIELDS, LOGS } from './tables.ts';

/** Lines of one service in one hour, of one batch. */
export interface HourOfBatch {
  readonly service: string;
  readonly hour: Micros;
  readonly shards: ReadonlySet<number>;
  readonly oldest: Micros;
  readonly newest: Micros;
  readonly lines: number;
  readonly lists: boolean;
}

/** The statements that write a line, and what is told of it; `keep` in seconds. */
export class Inserts {
  readonly #keep: number;
  readonly #writer: string;
  readonly #line: string;
  readonly #pointer: string;
  readonly #touch: string;
  readonly #batch: string;

  constructor(keyspace: string, writer: string, keep: number) {
    this.#keep = keep;
    this.#writer = writer;
    const insert = (table: string, columns: readonly string[]) =>
      `INSERT INTO ${keyspace}.${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) USING TTL ?`;
    const fields = LOG_FIELDS.map(({ name }) => name);
    this.#line = insert(LOGS, ['service', 'hour', 'shard', 'time', 'id', 'host', 'source', ...fields, 'body']);
    this.#pointer = insert(BY_REQUEST, ['request_id', 'time', 'id', 'service']);
    this.#touch = insert(HOURS, ['day', 'hour', 'service', 'writer', 'touched', 'lists']);
    this.#batch = insert(BATCHES, ['minute', 'at', 'service', 'hour', 'shards', 'oldest', 'newest', 'lines', 'begun']);
  }

  /** Seconds that what is of this time has still to live, now; not more than 0 when it is over. A clock that is ahead makes no line live longer. */
  ttl(time: Micros, nowMs: number): number {
    return this.#keep - Math.max(0, Math.floor((nowMs - time / 1000) / 1000));
  }

  line(row: Stored, { service, hour, shard }: Partition, ttl: number): Statement {
    const { time, id, host, source, fields, body } = row;
    const values = LOG_FIELDS.map(({ type }, at) => (type === 'bigint' && fields[at] !== undefined ? BigInt(fields[at]) : fields[at]));
    return { query: this.#line, params: [service, date(hour), shard, BigInt(time), id, host, source, ...values, body, ttl] };
  }

  pointer(request: string, { time, id, service }: Stored, ttl: number): Statement {
    return { query: this.#pointer, params: [request, BigInt(time), id, service, ttl] };
  }

  /** `lists` is left as it is unless it is true: other lines of the hour may have been lists. */
  touch({ service, hour, lists }: HourOfBatch, touched: types.TimeUuid, ttl: number): Statement {
    return { query: this.#touch, params: [dayOf(hour), date(hour), service, this.#writer, touched, lists || undefined, ttl] };
  }

  batch({ service, hour, shards, oldest, newest, lines }: HourOfBatch, at: types.TimeUuid, begunMs: number): Statement {
    const minute = new Date(Math.floor(at.getDate().getTime() / 60_000) * 60_000);
    const sorted = [...shards].sort((a, b) => a - b);
    const times = [BigInt(oldest), BigInt(newest)];
    return { query: this.#batch, params: [minute, at, service, date(hour), sorted, ...times, lines, new Date(begunMs), BATCHES_KEPT] };
  }
}

function date(time: Micros): Date {
  return new Date(time / 1000);
}
