import { dayOf, hourOf, partitionOf } from '../../../plugins/cassandra/keys.ts';
import { type Stored, storedOf } from '../../../plugins/cassandra/row.ts';
import { type Options, options } from '../../../plugins/cassandra-logs/options.ts';
import type { Stage } from './store-stage.ts';

export interface Body {
  readonly [field: string]: unknown;
}

/** A line as a sink of the host `here` gets it; lines without a service of their own are of `app`. */
export function line(id: string, time: number, body: Body = {}): Stored {
  return storedOf({ id, time, json: JSON.stringify(body), body: body as never, source: 'app' }, 'app', 'here');
}

/** Writes lines with all that stands beside them, as the writer does. */
export async function write({ access }: Stage, lines: readonly Stored[]): Promise<void> {
  const session = access.session();
  const { keyspace, shards } = access.store();
  const run = (query: string, ...params: unknown[]) => session.execute({ query: query.replace('KS', keyspace), params });
  const touched = new Map<string, Stored & { lists: boolean }>();
  for (const one of lines) {
    const key = `${hourOf(one.time)} ${one.service}`;
    touched.set(key, { ...one, lists: one.lists || touched.get(key)?.lists === true });
  }
  for (const { time, service, lists } of touched.values()) {
    const query = 'INSERT INTO KS.log_hours (day, hour, service, writer, touched, lists) VALUES (?, ?, ?, ?, now(), ?)';
    // What is undefined leaves the column as it is.
    await run(query, dayOf(time), new Date(hourOf(time) / 1000), service, 'here', lists || undefined);
  }
  const writeOne = async ({ time, id, service, host, source, fields, requests, body }: Stored) => {
    const { hour, shard } = partitionOf(service, time, id, shards);
    const query = 'INSERT INTO KS.application_logs_by_request (request_id, time, id, service) VALUES (?, ?, ?, ?)';
    for (const request of requests) await run(query, request, BigInt(time), id, service);
    await run(
      'INSERT INTO KS.application_logs (service, hour, shard, time, id, host, source, level, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[service, new Date(hour / 1000), shard, BigInt(time), id, host, source, fields[0], body],
    );
  };
  for (let at = 0; at < lines.length; at += 64) await Promise.all(lines.slice(at, at + 64).map(writeOne));
}

export function optionsOf(given: object): Options {
  return options.parse({ replication: 1, ...given });
}
