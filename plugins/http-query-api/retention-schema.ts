import { z } from '../../core/contract/index.ts';

const time = z.string().describe('RFC 3339, UTC.');
const policy = { source: z.string(), type: z.string(), policy: z.string().describe('The policy in words.') };

const change = z.strictObject({
  what: z.string(),
  count: z.int().describe('How many of it: rows, files, entries.'),
  bytes: z.int().optional(),
});

const run = z.strictObject({
  time: time.describe('When it began.'),
  dry_run: z.boolean(),
  results: z.array(
    z.strictObject({
      ...policy,
      changes: z.array(change).describe('What was done, also before an error.'),
      error: z.string().optional().describe('Why the policy could not be applied, or not to the end.'),
    }),
  ),
});

export const retentionAnswer = z.strictObject({
  schedule: z.string().nullable().describe('A cron expression in local time; null: only by `cauce retention apply`.'),
  next: time.nullable().describe('When the next scheduled run is due, as long as an agent runs.'),
  policies: z.array(z.strictObject(policy)),
  last: run.nullable().describe('The last real run, whichever process made it; null when there was none yet.'),
});
