import { duration, size, strings, z } from '../../core/contract/index.ts';

const HOUR_MS = 3_600_000;

function between(schema: ReturnType<typeof duration>, min: number, max: number, words: string) {
  return schema.refine((ms) => ms >= min && ms <= max, { error: `expected a duration from ${words}` });
}

const flapping = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: no result is ever called flapping.'),
    window: z.int().min(3).max(1000).default(21).describe('How many of the last results are looked at.'),
    high: z.number().min(0).max(100).default(20).describe('Flapping starts when the rate of change, in percent, is this or more.'),
    low: z.number().min(0).max(100).default(15).describe('Flapping ends when the rate of change, in percent, is less than this.'),
  })
  .refine(({ low, high }) => low <= high, { error: 'low must not be greater than high', path: ['low'] });

export const options = z.strictObject({
  command: strings()
    .refine((words) => words[0] !== '' && words.every((word) => !word.includes('\0')), {
      error: 'expected a program and its arguments, such as [bash, health_check.sh, --json]',
    })
    .describe('The program and its arguments, as a list; no shell is involved. One text is a program without arguments.'),
  every: between(duration('60s'), 100, 168 * HOUR_MS, '100ms to 7d').describe('How often it runs, from one start to the next.'),
  timeout: between(duration('30s'), 10, HOUR_MS, '10ms to 1h').describe('After this its whole process group is ended.'),
  cache: duration('60s').describe('A result that is no older than this is the present state; an older one makes the script run.'),
  attempts: z.int().min(1).max(100).default(3).describe('After so many equal results that are not ok, the state is hard.'),
  flapping: flapping.prefault({}).describe('When a state counts as changing too often.'),
  env: z
    .record(
      z.string().regex(/^[^=\0]+$/, { error: 'expected the name of a variable' }),
      z.string().regex(/^[^\0]*$/, { error: 'expected text without NUL' }),
    )
    .default({})
    .describe('Variables for the script, besides the few that it inherits (PATH, HOME, LANG, TZ, ...).'),
  cwd: z.string().min(1).optional().describe("The folder that it runs in. Default: the agent's."),
  dialect: z
    .enum(['auto', 'json', 'nagios'])
    .default('auto')
    .describe('What it speaks. auto: JSON, else a status line of the Nagios convention; a bare exit code tells nothing.'),
  history: duration('30d').describe('How long results are kept.'),
  max_output: size('1MiB').describe('More than this on its standard output ends it.'),
});

export type Options = z.output<typeof options>;
