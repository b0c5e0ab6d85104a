import { z } from '../../core/contract/index.ts';

const metadata = z.record(z.string(), z.unknown());

/** The query string of `POST /api/data/metrics`. */
export const recordParameters = z.strictObject({
  source: z.string().optional().describe('The source to add to. Needed when several can be added to.'),
});

/** The one header of its own. */
export const IDEMPOTENCY_KEY = { name: 'Idempotency-Key', description: 'Makes a repeated request of 24 hours add nothing.' };

/** A row of `dora_metrics`; another table has fields of its own. */
export const recordBody = z.strictObject({
  cycle_id: z.string().max(50),
  feature_id: z.string().max(50),
  phase_name: z.string().max(50).describe('planning, development, testing, deployment, incident, recovery, maintenance …'),
  decision: z.string().max(20).describe('go, approved, no-go, rejected, rollback, failed, blocked, resolved, fixed, review …'),
  duration_seconds: z.number().optional().describe('At most two digits behind the point. A text such as "12.50" will do as well.'),
  metadata: metadata.optional().describe('Less than 64 KiB: developer, branch, commit_sha, tags, notes, code_changes_size …'),
  created_at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Default: now, or with an `Idempotency-Key` the time of its first use. At most a day in the future.'),
});

export const recordAnswer = z.strictObject({
  count: z.int().describe('Rows in `data`.'),
  source: z.string().describe("The source's name in the configuration."),
  added: z.int(),
  present: z.int().describe('Rows that were there already, and say the same.'),
  data: z.array(z.record(z.string(), z.unknown())).describe('The rows as a query answers them, in the order of the request.'),
});
