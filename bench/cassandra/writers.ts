import { type Client, concurrent } from 'cassandra-driver';
import type { Entry } from '../../core/contract/index.ts';
import { Inserts } from '../../plugins/cassandra/insert.ts';
import { type Partition, partitionOf } from '../../plugins/cassandra/keys.ts';
import { keepSeconds } from '../../plugins/cassandra/options.ts';
import { type Stored, storedOf } from '../../plugins/cassandra/row.ts';
import { type Opened, openStore } from '../../plugins/cassandra/schema.ts';
import type { Statement } from '../../plugins/cassandra/session.ts';
import { atOnce } from '../../plugins/cassandra-logs/changes-at-once.ts';
import writer from '../../plugins/cassandra-writer/index.ts';

const HOST = 'bench';
const STATEMENTS_OF_BATCH = 64;
const log = { debug() {}, info() {}, warn: console.error, error: console.error };
const { signal } = new AbortController();

export interface Place {
  readonly hosts: string[];
  readonly port: number;
  readonly keyspace: string;
  readonly replication: number;
}

/** The sink as an agent has it, with nothing around it. */
export async function startSink(place: Place) {
  const options = writer.options.parse(place);
  const sink = await writer.create({ id: 'ship', host: HOST, options, log, signal, agent: {} as never });
  await sink.start?.(signal);
  return {
    async write(entries: readonly Entry[]): Promise<void> {
      const rejected = await sink.write?.(entries, signal);
      if (rejected && rejected.length > 0) throw new Error(`${rejected.length} lines were rejected: ${rejected[0]?.reason}`);
    },
    stop: () => sink.stop?.(),
  };
}

/** What one would write by hand with the driver: the same statement for a line, into tables of the same shape. */
export class WritesByHand {
  readonly #client: Client;
  readonly #opened: Opened;
  readonly #inserts: Inserts;

  private constructor(client: Client, opened: Opened, keep: number) {
    this.#client = client;
    this.#opened = opened;
    this.#inserts = new Inserts(opened.store.keyspace, HOST, keep);
  }

  static async open(client: Client, place: Place): Promise<WritesByHand> {
    const options = writer.options.parse(place);
    const opened = await openStore(options, { create: true, host: HOST, log }, signal);
    return new WritesByHand(client, opened, keepSeconds(options));
  }

  close(): Promise<void> {
    return this.#opened.session.close();
  }

  /** Each line by itself. */
  async eachLine(entries: readonly Entry[], concurrencyLevel: number): Promise<void> {
    const statements = this.#rows(entries).map(({ row, partition }) => this.#line(row, partition));
    const parameters = statements.map(({ params }) => [...params]);
    await concurrent.executeConcurrent(this.#client, statements[0]?.query ?? '', parameters, { concurrencyLevel, raiseOnFirstError: true });
  }

  /** Unlogged batches of one partition each. */
  async batches(entries: readonly Entry[], concurrencyLevel: number): Promise<void> {
    await this.#batches(this.#linesByPartition(this.#rows(entries)), concurrencyLevel);
  }

  /** The same, and where the lines of each request are, which the sink writes as well. */
  async batchesAndPointers(entries: readonly Entry[], concurrencyLevel: number): Promise<void> {
    const rows = this.#rows(entries);
    const pointers = rows.flatMap(({ row }) =>
      row.requests.map((request) => ({ key: request, statement: this.#inserts.pointer(request, row, this.#ttl(row)) })),
    );
    await this.#batches(batchesOf(pointers), concurrencyLevel);
    await this.#batches(this.#linesByPartition(rows), concurrencyLevel);
  }

  async #batches(batches: readonly (readonly Statement[])[], concurrencyLevel: number): Promise<void> {
    await atOnce(concurrencyLevel, batches, async (statements) => {
      // The driver sends it to a replica of its first statement.
      await this.#client.batch([...statements] as { query: string; params: unknown[] }[], { prepare: true, logged: false });
    });
  }

  #linesByPartition(rows: readonly Row[]): Statement[][] {
    const lines = rows.map(({ row, partition }) => {
      const { service, hour, shard } = partition;
      return { key: `${hour}/${shard}/${service}`, statement: this.#line(row, partition) };
    });
    return batchesOf(lines);
  }

  #rows(entries: readonly Entry[]): Row[] {
    return entries.map((entry) => {
      const row = storedOf(entry, entry.source, HOST);
      return { row, partition: partitionOf(row.service, row.time, row.id, this.#opened.store.shards) };
    });
  }

  #line(row: Stored, partition: Partition): Statement {
    return this.#inserts.line(row, partition, this.#ttl(row));
  }

  #ttl({ time }: Stored): number {
    return this.#inserts.ttl(time, Date.now());
  }
}

interface Row {
  readonly row: Stored;
  readonly partition: Partition;
}

function batchesOf(all: readonly { readonly key: string; readonly statement: Statement }[]): Statement[][] {
  const open = new Map<string, Statement[]>();
  const batches: Statement[][] = [];
  for (const { key, statement } of all) {
    let batch = open.get(key);
    if (!batch || batch.length === STATEMENTS_OF_BATCH) {
      batch = [];
      open.set(key, batch);
      batches.push(batch);
    }
    batch.push(statement);
  }
  return batches;
}
