import { defineSource } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createMysqlMetrics } from './source.ts';

export default defineSource({
  name: 'mysql-metrics',
  summary: 'A table of MySQL 8 or MariaDB whose rows are metrics, such as DORA phases',
  apiVersion: 1,
  options,
  create: createMysqlMetrics,
});
