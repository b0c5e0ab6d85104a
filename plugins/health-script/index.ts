import { defineSource } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createHealthScript } from './source.ts';

export default defineSource({
  name: 'health-script',
  summary: 'A health check script: JSON in two dialects, or the Nagios plugin convention',
  apiVersion: 1,
  options,
  create: createHealthScript,
});
