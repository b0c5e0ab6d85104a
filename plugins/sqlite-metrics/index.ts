import { defineSource } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createSqliteMetrics } from './source.ts';

export default defineSource({
  name: 'sqlite-metrics',
  summary: 'A table of metrics in an SQLite file, which it makes by itself when there is none',
  apiVersion: 1,
  options,
  create: createSqliteMetrics,
});
