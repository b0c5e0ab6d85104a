import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, FollowRequest, Log, Position } from '../../../core/contract/index.ts';
import { z } from '../../../core/contract/index.ts';
import { HOUR, hourOf, partitionOf } from '../../../plugins/cassandra/keys.ts';
import { clusterOptions } from '../../../plugins/cassandra/options.ts';
import { Pace } from '../../../plugins/cassandra/pace.ts';
import { type Stored, storedOf } from '../../../plugins/cassandra/row.ts';
import { openStore } from '../../../plugins/cassandra/schema.ts';
import { Session } from '../../../plugins/cassandra/session.ts';
import { LOG_FIELDS } from '../../../plugins/cassandra/tables.ts';
import { writeLines } from '../../../plugins/cassandra/write-lines.ts';
import { type StoreFollow, storeFollow } from '../../../plugins/cassandra-logs/follow.ts';
import { dropKeyspace, freshKeyspace, sharedCassandra } from '../../cassandra/shared.ts';

export const log: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** Seconds. */
const KEEP = 90 * 86_400;
export const forever = new AbortController().signal;

/** A keyspace of its own on the node of the tests. */
export async function openStage() {
  const keyspace = freshKeyspace();
  const { hosts, port, dataCenter } = await sharedCassandra();
  const open = async (given: { hosts: string[]; port: number }) => {
    const options = z.object(clusterOptions).parse({ ...given, data_center: dataCenter, keyspace, replication: 1, shards: 4 });
    return openStore(options, { create: true, host: 'here', log }, forever);
  };
  const { session, store } = await open({ hosts: [...hosts], port });
  return {
    access: { session: () => session, store: () => store },
    /** Of the plugin itself, to find the same tables. */
    options: { hosts: [...hosts], port, data_center: dataCenter, keyspace, replication: 1 },
    /** As the sink writes. */
    writeRows: (rows: readonly Stored[], signal = forever) => {
      const consistency = session.driver.types.consistencies.localQuorum;
      return writeLines({ session, store }, rows, { writer: 'real', keep: KEEP, consistency, pace: new Pace(32), log }, signal);
    },
    /** Another way to the same tables. */
    async through({ port }: { readonly port: number }) {
      const opened = await open({ hosts: ['127.0.0.1'], port });
      return { access: { session: () => opened.session, store: () => opened.store }, close: () => opened.session.close() };
    },
    writer: (name: string, clock?: () => number) => new PlainWriter(session, store, name, clock),
    async close() {
      await session.close();
      await dropKeyspace(keyspace);
    },
  };
}

/** The same tables, with a count of the rows of `application_logs` that are read there. */
export function counting({ session, store }: Stage['access']) {
  const read = { rows: 0 };
  const { client, driver, dataCenter } = session();
  class Counting extends Session {
    override async execute(...args: Parameters<Session['execute']>) {
      const result = await super.execute(...args);
      if (/FROM \S+\.application_logs\s/.test(args[0].query)) read.rows += result.rows.length;
      return result;
    }
  }
  const counted = new Counting(client, driver, dataCenter);
  return { read, access: { session: () => counted, store } };
}

/** A way to the node that can be cut. */
export async function openWire() {
  const { hosts, port: farPort } = await sharedCassandra();
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(farPort, hosts[0]);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, cut, mend: () => listen(port) };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;
type Opened = Awaited<ReturnType<typeof openStore>>;

export interface Given {
  readonly id: string;
  readonly time: number;
  readonly service?: string;
  readonly body?: Record<string, unknown>;
}

export function stored(host: string, { id, time, service = 'api', body = {} }: Given): Stored {
  const whole = { service, message: id, ...body };
  return storedOf({ id, time, json: JSON.stringify(whole), body: whole as never, source: 'app' }, service, host);
}

/** The writer's protocol, step by step, so that a test can stop between them. */
export class PlainWriter {
  readonly #session: Opened['session'];
  readonly #store: Opened['store'];
  readonly #name: string;
  readonly #clock: () => number;

  constructor(session: Opened['session'], store: Opened['store'], name: string, clock: () => number = Date.now) {
    this.#session = session;
    this.#store = store;
    this.#name = name;
    this.#clock = clock;
  }

  async write(given: readonly Given[]): Promise<void> {
    const begun = this.#clock();
    const lines = given.map((one) => stored(this.#name, one));
    await this.touch(lines);
    await this.lines(lines);
    await this.touch(lines);
    await this.tell(lines, begun);
  }

  async touch(lines: readonly Stored[]): Promise<void> {
    for (const [{ service, time }] of byHour(lines)) {
      const day = new Date(time / 1000).toISOString().slice(0, 10);
      const lists = lines.some((line) => line.lists);
      await this.#run('log_hours', {
        lists,
        day,
        hour: new Date(hourOf(time) / 1000),
        service,
        writer: this.#name,
        touched: this.#uuid(this.#clock()),
      });
    }
  }

  async lines(lines: readonly Stored[], ttl?: number): Promise<void> {
    for (let at = 0; at < lines.length; at += 64) await Promise.all(lines.slice(at, at + 64).map((line) => this.#line(line, ttl)));
  }

  async tell(lines: readonly Stored[], begun: number, at = this.#clock()): Promise<void> {
    for (const group of byHour(lines)) {
      const [{ service, time }] = group;
      const times = group.map((line) => line.time);
      await this.#run('log_batches', {
        minute: new Date(Math.floor(at / 60_000) * 60_000),
        at: this.#uuid(at),
        service,
        hour: new Date(hourOf(time) / 1000),
        shards: [...new Set(group.map((line) => partitionOf(service, line.time, line.id, this.#store.shards).shard))],
        oldest: BigInt(Math.min(...times)),
        newest: BigInt(Math.max(...times)),
        lines: group.length,
        begun: new Date(begun),
      });
    }
  }

  async #line({ service, time, id, host, source, fields, body }: Stored, ttl?: number): Promise<void> {
    const { hour, shard } = partitionOf(service, time, id, this.#store.shards);
    const named = Object.fromEntries(
      LOG_FIELDS.map(({ name, type }, index) => [name, type === 'bigint' ? big(fields[index]) : fields[index]]),
    );
    const row = { service, hour: new Date(hour / 1000), shard, time: BigInt(time), id, host, source, ...named, body };
    await this.#run('application_logs', row, { timestamp: BigInt(this.#clock() * 1000), ...(ttl !== undefined && { ttl }) });
  }

  #uuid(ms: number) {
    return this.#session.driver.types.TimeUuid.fromDate(new Date(ms), ticks++ % 10_000);
  }

  async #run(table: string, row: Record<string, unknown>, using: Record<string, unknown> = {}): Promise<void> {
    const names = Object.keys(row);
    const given = Object.keys(using).map((name) => `${name.toUpperCase()} ?`);
    const query = `INSERT INTO ${this.#store.keyspace}.${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
      ${given.length > 0 ? `USING ${given.join(' AND ')}` : ''}`;
    await this.#session.execute({ query, params: [...Object.values(row), ...Object.values(using)] });
  }
}

let ticks = 0;

function big(value: unknown): unknown {
  return typeof value === 'number' ? BigInt(value) : value;
}

function byHour(lines: readonly Stored[]): [Stored, ...Stored[]][] {
  const groups = new Map<string, [Stored, ...Stored[]]>();
  for (const line of lines) {
    const key = `${line.service} ${hourOf(line.time)}`;
    const group = groups.get(key);
    if (group) group.push(line);
    else groups.set(key, [line]);
  }
  return [...groups.values()];
}

/** Lines in an hour that began some hours ago, a second apart. */
export function linesOf(prefix: string, count: number, hoursAgo = 1, more: Partial<Given> = {}): Given[] {
  const begin = hourOf(Date.now() * 1000) - hoursAgo * HOUR;
  return Array.from({ length: count }, (_, n) => ({ id: `${prefix}.${String(n).padStart(5, '0')}`, time: begin + n * 1_000_000, ...more }));
}

export interface Seen {
  readonly id: string;
  readonly cursor: string;
  readonly origin: string | undefined;
}

export function follower(stage: Stage, given: Partial<StoreFollow> = {}) {
  return storeFollow({ ...stage.access, host: 'here', log, options: { every: 20, overlap: 60_000 }, ...given });
}

/** Reads in the background until it is closed. */
export async function following(stage: Stage, request: FollowRequest, given: Partial<StoreFollow> = {}) {
  const controller = new AbortController();
  const { start, lost, batches } = await follower(stage, given).open(request, controller.signal);
  const seen: Seen[] = [];
  const all: Batch[] = [];
  const reading = (async () => {
    for await (const batch of batches) {
      all.push(batch);
      for (const [index, { id, origin }] of batch.entries.entries()) seen.push({ id, origin, cursor: batch.cursorAt(index) });
    }
  })().catch((error) => {
    if (!controller.signal.aborted) throw error;
  });
  return {
    start,
    lost,
    seen,
    all,
    ids: () => seen.map(({ id }) => id),
    ended: reading,
    async close() {
      controller.abort(new Error('the test is over'));
      await reading;
    },
  };
}

/** All that a feed with an end yields. */
export async function whole(
  stage: Stage,
  after: FollowRequest['after'],
  until: Position,
  given: Partial<StoreFollow> = {},
): Promise<Seen[]> {
  const reader = await following(stage, { after, until }, given);
  await reader.ended;
  return reader.seen;
}

export { sleep };
