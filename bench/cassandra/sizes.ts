import { BY_REQUEST, LOGS } from '../../plugins/cassandra/tables.ts';
import type { Cluster } from '../../test/cassandra/cluster.ts';

/** Live bytes for each of so many rows in the first node, of the tables that grow with the lines, as they are when their window is over. */
export async function bytesOnDisk(cluster: Cluster, keyspace: string, rows: number): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const table of [LOGS, BY_REQUEST]) {
    await cluster.nodetool(0, 'compact', keyspace, table);
    const text = await cluster.nodetool(0, 'tablestats', `${keyspace}.${table}`);
    sizes[table] = Number(/Space used \(live\): (\d+)/.exec(text)?.[1]) / rows;
  }
  return sizes;
}
