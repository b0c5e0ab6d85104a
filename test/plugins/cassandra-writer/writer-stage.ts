import { setTimeout as sleep } from 'node:timers/promises';
import { Client, types } from 'cassandra-driver';
import type { Entry, JsonObject, Log } from '../../../core/contract/index.ts';
import plugin from '../../../plugins/cassandra-writer/index.ts';
import { dropKeyspace, freshKeyspace, sharedCassandra } from '../../cassandra/shared.ts';

export interface Place {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly dataCenter: string;
}

export interface Told {
  readonly level: keyof Log;
  readonly text: string;
  readonly fields: JsonObject | undefined;
}

/** The sink as an agent has it; `told` is what it logs. */
export function sinkAt({ hosts, port }: Place, options: Record<string, unknown>, id = 'ship') {
  const told: Told[] = [];
  const tell = (level: keyof Log) => (text: string, fields?: JsonObject) => void told.push({ level, text, fields });
  const log: Log = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const parsed = plugin.options.parse({ hosts: [...hosts], port, replication: 1, ...options });
  const controller = new AbortController();
  const { signal } = controller;
  const sink = plugin.create({ id, host: 'here', options: parsed, log, signal, agent: {} as never });
  return {
    told,
    start: async () => sink.start?.(signal),
    /** A start waits for some seconds only, which a machine with much to do may exceed. */
    async ready() {
      await sink.start?.(signal);
      while (!(await sink.probe?.(signal).catch(() => undefined))) await sleep(100);
    },
    write: async (entries: readonly Entry[], until = signal) => (await sink.write?.(entries, until)) ?? [],
    stop: async () => sink.stop?.(),
    probe: async () => sink.probe?.(signal),
  };
}

export type Written = Record<string, unknown>;

/** A client of the test's own, beside the sink. */
export async function connected({ hosts, port, dataCenter }: Place): Promise<Client> {
  const client = new Client({
    contactPoints: hosts.map((host) => `${host}:${port}`),
    localDataCenter: dataCenter,
    protocolOptions: { port },
    encoding: { useBigIntAsLong: true },
    queryOptions: { prepare: true, consistency: types.consistencies.localQuorum, fetchSize: 1000 },
    socketOptions: { readTimeout: 30_000 },
  });
  await client.connect();
  return client;
}

/** A keyspace of its own on the shared node, with a started sink. */
export async function openStage(options: Record<string, unknown> = {}) {
  const place = await sharedCassandra();
  const keyspace = freshKeyspace();
  const sink = sinkAt(place, { keyspace, ...options });
  await sink.ready();
  const client = await connected(place);
  const run = async (query: string, params: readonly unknown[] = []): Promise<Written[]> => {
    const rows: Written[] = [];
    for await (const row of await client.execute(query.replaceAll('%', keyspace), [...params])) rows.push(row as Written);
    return rows;
  };
  return {
    place,
    keyspace,
    sink,
    run,
    /** Of application_logs, by the ids of the lines. */
    async rows(columns = '*'): Promise<Map<string, Written>> {
      const all = await run(`SELECT ${columns} FROM %.application_logs`);
      return new Map(all.map((row) => [row['id'] as string, row]));
    },
    another: (more: Record<string, unknown>, id?: string) => sinkAt(place, { keyspace, ...options, ...more }, id),
    async close() {
      await sink.stop();
      await client.shutdown();
      await dropKeyspace(keyspace);
    },
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** A line of an hour ago, unless it says otherwise. */
export function entry(id: string, body: JsonObject = {}, more: Partial<Entry> = {}): Entry {
  const json = JSON.stringify(body);
  return { type: 'logs', source: 'app', id, time: (Date.now() - 3_600_000) * 1000, json, body, ...more };
}

/** Microseconds since 1970. */
export function nowPlus(seconds: number): number {
  return (Date.now() + seconds * 1000) * 1000;
}
