import { duration, keepFor, z } from '../../core/contract/index.ts';

/** It stands quoted in every statement. */
const name = z
  .string()
  .min(1)
  .max(128)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name
  .regex(/^[^\u0000-\u001f\u007f]+$/, { error: 'a name has no control characters' });

export const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .refine((path) => path !== ':memory:' && !path.startsWith('file:') && !path.includes('\0'), {
      error: 'expected the path of a file; a database in memory and a file: URI are not supported',
    })
    .default('./var/metrics.db')
    .describe('The file. It is made, for this user only, when it is not there.'),
  table: name.default('dora_metrics').describe('The table. It is made with the columns of DORA rows when the file has none of that name.'),
  id_column: name.default('id').describe('A unique column. To be followed exactly it must be the INTEGER PRIMARY KEY.'),
  time_column: name.default('created_at').describe('When the row was observed: text such as `2025-11-07 02:00:00.000000`, in UTC.'),
  columns: z
    .record(z.string().min(1).max(128), name)
    .optional()
    .describe('`field: column`: only these columns, by these names, besides the two above. Default: every column by its own name.'),
  label: z.string().min(1).optional().describe('What answers call this source. Default: `SQLite (<table>)`.'),
  every: duration('1s').describe('How often new rows are looked for.'),
  late: duration('10m').describe('Rows of a smaller key that appear later than this are found later by followers, and counted.'),
  keep: keepFor().optional().describe('Rows older than this are deleted by the retention. Default: kept for ever.'),
});

export type Options = z.output<typeof options>;
