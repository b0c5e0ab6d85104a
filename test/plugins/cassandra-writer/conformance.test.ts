import { it } from 'vitest';
import { sinkConformance } from '../../../core/conformance/index.ts';
import plugin from '../../../plugins/cassandra-writer/index.ts';
import { describeWithCassandra, dropKeyspace, freshKeyspace, sharedCassandra } from '../../cassandra/shared.ts';
import { connected } from './writer-stage.ts';

sinkConformance(
  { describe: describeWithCassandra, it },
  {
    definition: plugin,
    async setup() {
      const place = await sharedCassandra();
      const keyspace = freshKeyspace();
      return {
        // The suite's entries are of 2025; rows that expire after 2038 are not for every cluster.
        options: { hosts: [...place.hosts], port: place.port, keyspace, replication: 1, keep: '4000d' },
        async stored() {
          const client = await connected(place);
          const { rows } = await client.execute(`SELECT id FROM ${keyspace}.application_logs`);
          await client.shutdown();
          return rows.map((row) => row['id'] as string);
        },
        cleanup: () => dropKeyspace(keyspace),
      };
    },
  },
);
