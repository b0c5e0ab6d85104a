import { defineSource } from '../../core/contract/index.ts';
import { options } from './options.ts';
import { createJsonLogs } from './source.ts';

export default defineSource({
  name: 'json-logs',
  summary: 'JSON log files, one object a line, with their rotated and compressed generations',
  apiVersion: 1,
  options,
  create: createJsonLogs,
});
