import { defineSink } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createCassandraWriter } from './sink.ts';

export default defineSink({
  name: 'cassandra-writer',
  summary: 'Keeps log lines in Apache Cassandra, each once, for as long as their time allows',
  apiVersion: 1,
  options,
  create: createCassandraWriter,
});
