import { z } from '../../core/contract/index.ts';

const state = z.enum(['ok', 'warning', 'critical', 'unknown']);
const object = z.record(z.string(), z.unknown());

const source = z.strictObject({
  name: z.string().describe("The source's name in the configuration."),
  status: z.enum(['ok', 'failed', 'timeout']),
  count: z.int().describe('Rows of this source in this answer.'),
  took_ms: z.number(),
  error: z.string().optional().describe('Why it failed.'),
  retry: z.string().optional().describe('A `cursor` that fetches only what this source owes to this answer.'),
  duplicates: z.int().optional().describe('Rows left out because another source had the same entry.'),
});

const end = {
  next_cursor: z
    .string()
    .optional()
    .describe('Hand it in as `cursor`, with the same query, for the rows that follow. Absent on the last page.'),
  truncated: z.boolean().describe('There are more rows than these.'),
  sources: z.array(source),
  note: z.string().optional().describe('What should be known about this answer: skipped lines, a source that is down, none configured.'),
};

export const rowsAnswer = z.strictObject({
  query_type: z.string(),
  source: z.string().describe('What answered, joined by ` + `; `none` when no source of this type is configured.'),
  days: z.int(),
  count: z.int().describe('Rows in `data`.'),
  data: z.array(object).describe('The rows as their source wrote them.'),
  ...end,
});

export const healthAnswer = z.strictObject({
  query_type: z.literal('health'),
  source: z.string(),
  count: z.int().describe('Checks in `data.checks`.'),
  data: z.strictObject({
    status: state.describe('The worst of all; a source that failed counts as `unknown`.'),
    checks: z.record(z.string(), state).describe('A name that several sources use is written `source.check`.'),
    details: z.record(z.string(), object).describe('Per source: its `status`, `age_seconds` and what else it tells, or its `error`.'),
    age_seconds: z.number().optional().describe('Age of the oldest result.'),
  }),
  ...end,
});

export const summaryRecord = z.strictObject({ summary: z.strictObject({ count: z.int(), ...end }) });

const delivery = z.strictObject({
  source: z.string(),
  state: z
    .enum(['current', 'behind', 'waiting'])
    .describe(
      '`current`: nothing waits for more than 5 seconds. `behind`: it goes on, and is not there yet. `waiting`: it does not go on.',
    ),
  lag_seconds: z
    .number()
    .describe('Age of the oldest entry that was read and is not durable in the sink, or how long the source could not be read.'),
  pending: z.int().describe('Entries that were read and are not durable yet. It is bounded; the rest waits in the source.'),
  error: z.string().optional().describe('Why it waits.'),
  since: z.string().optional().describe('Since when it waits.'),
  next_try: z.string().optional().describe('When it is tried again.'),
});

const instance = z.strictObject({
  kind: z.enum(['source', 'sink']),
  name: z.string(),
  use: z.string(),
  state: z.enum(['starting', 'running', 'waiting', 'failed', 'stopped']),
  restarts: z.int(),
  error: z.string().optional(),
  circuit: z
    .enum(['closed', 'open'])
    .optional()
    .describe('Of a sink that is written to. `open`: it is taken for down, and gets one entry at a time until it takes one.'),
  deliveries: z.array(delivery).optional().describe('Of a sink that is written to: how far each of its sources is.'),
});

export const readyAnswer = z.strictObject({
  ready: z
    .union([z.literal(true), z.literal('degraded')])
    .describe(
      '`degraded` while a configured plugin does not run; the others work, and the status is 200. Deliveries do not count: a sink whose store is down costs queries and streams nothing, and loses nothing.',
    ),
  not_ready: z.array(z.string()).describe('Names of the instances that are not running.'),
  instances: z.array(instance),
});

export const healthyAnswer = z.strictObject({ status: z.literal('ok') });

export const sourcesAnswer = z.strictObject({
  count: z.int(),
  sources: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      label: z.string().describe('What answers call it.'),
      mirror: z.boolean().describe('It holds copies that a sink made.'),
      facets: z.array(z.string()).describe('What it can do.'),
      state: instance.shape.state.optional(),
      error: z.string().optional(),
    }),
  ),
});

/** RFC 9457. */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().optional(),
  error: z.string().describe('The same text as `detail`.'),
  code: z.string().describe('Stable; the texts are not.'),
  parameter: z.string().optional().describe('The parameter to mend.'),
  valid_types: z.array(z.string()).optional(),
});
