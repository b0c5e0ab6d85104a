import type { Client, types } from 'cassandra-driver';
import type { Micros } from '../../core/contract/index.ts';
import { HOUR, hourOf, type Partition, partitionOf } from '../../plugins/cassandra/keys.ts';
import { BY_REQUEST, LOGS } from '../../plugins/cassandra/tables.ts';
import { atOnce } from '../../plugins/cassandra-logs/changes-at-once.ts';
import { SERVICES } from './lines.ts';

const AT_ONCE = 64;
const PAGE = 5000;

/** Of a partition, besides its key. */
interface Filter {
  readonly cql: string;
  readonly value: string;
}

export interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
  readonly limit: number;
  readonly filter?: Filter;
}

/**
 * What one would write by hand, by somebody who knows which services there are, in how many shards, and how old the last line
 * is that is wanted: all partitions at once, and of each no row too many. No client of these tables can do less.
 */
export class ReadsByHand {
  readonly #client: Client;
  readonly #keyspace: string;
  readonly #shards: number;

  constructor(client: Client, keyspace: string, shards: number) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#shards = shards;
  }

  /** The newest lines of a time, as one JSON text. */
  async newest({ from, to, limit, filter }: Stretch): Promise<{ readonly rows: number; readonly text: string }> {
    const query = `SELECT time, id, body FROM ${this.#keyspace}.${LOGS} WHERE service = ? AND hour = ? AND shard = ?
      AND time >= ? AND time < ?${filter ? ` AND ${filter.cql}` : ''}`;
    const found: types.Row[] = [];
    await atOnce(AT_ONCE, this.#partitions(from, to), async ({ service, hour, shard }) => {
      const key = [service, new Date(hour / 1000), shard, BigInt(from), BigInt(to)];
      for await (const rows of this.#pages(query, filter ? [...key, filter.value] : key)) found.push(...rows);
    });
    found.sort((a, b) => Number(b['time'] - a['time']) || (a['id'] < b['id'] ? 1 : -1));
    return joined(found.slice(0, limit));
  }

  /** The lines of a request, whenever it was. */
  async request(request: string): Promise<{ readonly rows: number; readonly text: string }> {
    const pointers = `SELECT time, id, service FROM ${this.#keyspace}.${BY_REQUEST} WHERE request_id = ?`;
    const line = `SELECT body FROM ${this.#keyspace}.${LOGS} WHERE service = ? AND hour = ? AND shard = ? AND time = ? AND id = ?`;
    const { rows } = await this.#client.execute(pointers, [request]);
    const found = await Promise.all(
      rows.map(({ service, time, id }) => {
        const { hour, shard } = partitionOf(service, Number(time), id, this.#shards);
        return this.#client.execute(line, [service, new Date(hour / 1000), shard, time, id]);
      }),
    );
    return joined(found.flatMap((result) => result.rows));
  }

  /** Lines by level, counted by looking at each. */
  async levels(from: Micros, to: Micros): Promise<ReadonlyMap<string, number>> {
    const query = `SELECT level FROM ${this.#keyspace}.${LOGS} WHERE service = ? AND hour = ? AND shard = ?`;
    const counts = new Map<string, number>();
    await atOnce(AT_ONCE / 4, this.#partitions(from, to), async ({ service, hour, shard }) => {
      for await (const rows of this.#pages(query, [service, new Date(hour / 1000), shard])) {
        for (const { level } of rows) counts.set(level, (counts.get(level) ?? 0) + 1);
      }
    });
    return counts;
  }

  async *#pages(query: string, params: readonly unknown[]): AsyncGenerator<readonly types.Row[], void, void> {
    let pageState: string | undefined;
    do {
      const page = await this.#client.execute(query, params as unknown[], { fetchSize: PAGE, ...(pageState && { pageState }) });
      yield page.rows;
      pageState = page.pageState ?? undefined;
    } while (pageState);
  }

  *#partitions(from: Micros, to: Micros): Generator<Partition, void, void> {
    for (let hour = hourOf(to - 1); hour >= hourOf(from); hour -= HOUR) {
      for (const service of SERVICES) for (let shard = 0; shard < this.#shards; shard++) yield { service, hour, shard };
    }
  }
}

function joined(rows: readonly types.Row[]): { readonly rows: number; readonly text: string } {
  return { rows: rows.length, text: `[${rows.map((row) => row['body']).join(',')}]` };
}
