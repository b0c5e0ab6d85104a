import { defineSource } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createCassandraLogs } from './source.ts';

export default defineSource({
  name: 'cassandra-logs',
  summary: 'Log lines of many hosts in Apache Cassandra, as cassandra-writer keeps them',
  apiVersion: 1,
  options,
  create: createCassandraLogs,
});
