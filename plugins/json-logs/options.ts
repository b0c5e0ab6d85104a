import { duration, size, strings, z } from '../../core/contract/index.ts';

export const options = z.strictObject({
  paths: strings().describe('Files or globs; a list, or one text with commas. Rotated generations of each are included.'),
  time_field: strings()
    .default(['timestamp', '@timestamp', 'time', 'ts'])
    .describe('Keys that may hold the time of a line; the first one with a usable time counts.'),
  max_line: size('16MiB').describe('Longer lines are skipped and counted.'),
  poll: duration('1s').describe('How often the folders are looked through for what the system does not announce.'),
  label: z.string().min(1).default('JSON log file').describe('What answers call this source.'),
});

export type Options = z.output<typeof options>;
