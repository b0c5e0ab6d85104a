import { z } from '../../core/contract/index.ts';

const time = z.string().describe('RFC 3339, UTC.');
const score = z.number().min(0).max(100).nullable();

const part = z.strictObject({
  weight: z.number().describe('Its share of the whole score.'),
  numerator: z.int(),
  denominator: z.int(),
  rule: z.string().describe('What is counted, in words.'),
  score: score.describe('100 × numerator ÷ denominator; null when there was nothing to look at.'),
});

const quality = z.strictObject({
  score: score.describe('The weighted mean of the parts that have a score.'),
  class: z.enum(['healthy', 'warning', 'critical', 'no data']).describe('From 90 on healthy, from 75 on warning.'),
  entries: z.int().describe('How many of the newest entries were looked at.'),
  parts: z.strictObject({ completeness: part, validity: part, consistency: part, timeliness: part, accuracy: part }),
});

const entry = z.strictObject({
  name: z.string().describe("The source's name in the configuration."),
  type: z.string(),
  label: z.string().describe('What answers call it.'),
  mirror: z.boolean().describe('It holds copies that a sink made; its volume is not to be added to that of others.'),
  use: z.string().describe('Its plugin.'),
  state: z.string(),
  error: z.string().optional().describe('What could not be found out, and why.'),
  owner: z.string().nullable().describe('Who answers for this data, as configured.'),
  facets: z.array(z.string()).describe('What it can do.'),
  fields: z.array(
    z.strictObject({
      name: z.string(),
      kinds: z.array(z.string()),
      distinct: z.int().optional(),
      top: z.record(z.string(), z.unknown()).optional().describe('The commonest values and how often each occurs.'),
    }),
  ),
  freshness: z.strictObject({
    newest: time.nullable().describe('Of the newest entry when the source was last looked at, at most a minute ago.'),
    age_seconds: z.number().nullable().describe('From `newest` until this answer.'),
  }),
  volume: z.strictObject({
    entries: z.int().optional(),
    bytes: z.int().optional(),
    oldest: time.optional(),
    newest: time.optional(),
    estimated: z.boolean().optional().describe("`entries` is the store's own estimate."),
  }),
  retention: z.string().describe('How long its data is kept.'),
  backup: z.string(),
  quality,
  feeds: z
    .array(z.strictObject({ sink: z.string(), use: z.string(), how: z.enum(['written', 'read']) }))
    .describe('The sinks that it feeds: written to them, or read by them when somebody asks.'),
  notes: z.array(z.string()),
});

export const catalogAnswer = z.strictObject({ count: z.int(), sources: z.array(entry) });
