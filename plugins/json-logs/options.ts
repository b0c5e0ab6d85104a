import { duration, keepFor, size, strings, z } from '../../core/contract/index.ts';

const keep = z
  .strictObject({
    age: keepFor().optional().describe('A rotated generation is deleted when its newest line is older than this.'),
    size: size().optional().describe('The oldest rotated generations are deleted until all files together are no larger than this.'),
  })
  .refine(({ age, size }) => age !== undefined || size !== undefined, { error: 'expected age, size or both, such as { age: 90d }' });

export const options = z.strictObject({
  paths: strings().describe('Files or globs; a list, or one text with commas. Rotated generations of each are included.'),
  time_field: strings()
    .default(['timestamp', '@timestamp', 'time', 'ts'])
    .describe('Keys that may hold the time of a line; the first one with a usable time counts.'),
  max_line: size('16MiB').describe('Longer lines are skipped and counted.'),
  poll: duration('1s').describe('How often the folders are looked through for what the system does not announce.'),
  keep: keep
    .optional()
    .describe('What `cauce retention` and its schedule delete. Absent: nothing, and the files are kept by whoever rotates them.'),
  label: z.string().min(1).default('JSON log file').describe('What answers call this source.'),
});

export type Options = z.output<typeof options>;
