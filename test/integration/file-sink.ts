import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { defineSink, RetryableError, z } from 'cauce/plugin';

/** Appends each entry to a file, and is down for as long as `<file>.down` exists. */
export default defineSink({
  name: 'file',
  summary: 'Writes entries to a file',
  apiVersion: 1,
  options: z.strictObject({ file: z.string() }),
  create: ({ options: { file } }) => ({
    async write(entries) {
      if (existsSync(`${file}.down`)) throw new RetryableError('the store is down', { afterMs: 50 });
      await appendFile(file, entries.map(({ id, json }) => `${id} ${json}\n`).join(''));
    },
  }),
});
