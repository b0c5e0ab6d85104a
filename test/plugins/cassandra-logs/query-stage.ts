import { dayOf, hourOf, partitionOf } from '../../../plugins/cassandra/keys.ts';
import { type Stored, storedOf } from '../../../plugins/cassandra/row.ts';
import type { Stage } from './store-stage.ts';

export interface Body {
  readonly [field: string]: unknown;
}

/** A line as a sink of the host `here` gets it; lines without a service of their own are of `app`. */
export function line(id: string, time: number, body: Body = {}): Stored {
  return storedOf({ id, time, json: JSON.stringify(body), body: body as never, source: 'app' }, 'app', 'here');
}

/** As somebody might with cqlsh: whatever the row is, and a row in the directory. */
export async function writeByHand({ access }: Stage, rows: readonly (Pick<Stored, 'id' | 'time'> & { readonly body?: string })[]) {
  const session = access.session();
  const { keyspace, shards } = access.store();
  const run = (query: string, ...params: unknown[]) => session.execute({ query: query.replace('KS', keyspace), params });
  for (const { id, time, body } of rows) {
    const { service, hour, shard } = partitionOf('app', time, id, shards);
    const begin = new Date(hour / 1000);
    await run(
      'INSERT INTO KS.log_hours (day, hour, service, writer, touched) VALUES (?, ?, ?, ?, now())',
      dayOf(time),
      begin,
      service,
      'hand',
    );
    const query = 'INSERT INTO KS.application_logs (service, hour, shard, time, id, body) VALUES (?, ?, ?, ?, ?, ?)';
    await run(query, service, begin, shard, BigInt(time), id, body);
  }
}

/** What a writer does before it writes the first line of an hour. */
export async function touch({ access }: Stage, service: string, time: number): Promise<void> {
  const query = `INSERT INTO ${access.store().keyspace}.log_hours (day, hour, service, writer, touched) VALUES (?, ?, ?, ?, now())`;
  await access.session().execute({ query, params: [dayOf(time), new Date(hourOf(time) / 1000), service, 'here'] });
}
