import { LONGEST_DAYS, MOST_EVIDENCE, z } from '../../core/contract/index.ts';
import { rowsAnswer } from './schemas.ts';

/** The first one is what holds when nothing is said. */
export const DORA_GROUPS = ['week', 'day', 'month'] as const;

export const doraParameters = z.strictObject({
  days: z.int().min(1).max(LONGEST_DAYS).optional().describe('How many days back from `to` the window reaches. Default 90.'),
  group: z
    .enum(DORA_GROUPS)
    .optional()
    .describe('What the series and the distribution of deployments count by, in UTC; `week` (default) is from Monday on.'),
  from: z.string().optional().describe('Begin of the window, inclusive: RFC 3339, Unix, or relative such as `-90d`. Overrides `days`.'),
  to: z.string().optional().describe('End of the window, exclusive, in the same forms. Default: now.'),
  source: z.array(z.string()).optional().describe('Only this configured source; several may be separated by commas. May be repeated.'),
  rows: z.int().min(0).max(MOST_EVIDENCE).optional().describe(`The most rows to answer behind each figure. Default ${MOST_EVIDENCE}.`),
});

const time = z.string().describe('RFC 3339.');

const evidence = z.strictObject({
  ids: z.array(z.string()).describe('Ids of the rows that it rests on, the deciding one last.'),
  time: time.describe('The time that it is counted by.'),
  cycle_id: z.string().optional(),
  feature_id: z.string().optional(),
  seconds: z.number().optional().describe('Of a duration: how long.'),
  failed: z.boolean().optional().describe('Of a deployment: whether it counts as failed.'),
});

const value = z.number().nullable();

const figure = z.strictObject({
  value: value.describe('`null` when there is nothing to tell it from.'),
  unit: z.enum(['per week', 'seconds', 'fraction']),
  class: z.enum(['elite', 'high', 'medium', 'low', 'no data']),
  n: z.int().describe('How many observations it rests on.'),
  trend: z
    .strictObject({ previous: value, direction: z.enum(['better', 'worse', 'same', 'no data']) })
    .describe('The same figure of the window before, of the same length.'),
  rows: z.array(evidence).describe('The newest observations, newest first.'),
});

const distributed = figure.extend({
  median: value.describe('In seconds, of durations; in deployments a group, of the frequency.'),
  p95: value,
});

const keys = z.strictObject({
  deployment_frequency: distributed,
  lead_time: distributed,
  change_failure_rate: figure,
  time_to_restore: distributed.extend({ open: z.array(evidence).describe('Failures that began in the window and are not restored yet.') }),
});

const definition = z.string();

export const doraAnswer = z.strictObject({
  days: z.number().describe('Length of the window.'),
  group: z.enum(DORA_GROUPS),
  from: time,
  to: time,
  source: rowsAnswer.shape.source,
  keys,
  series: z
    .array(
      z.strictObject({
        time: time.describe('Begin of the group.'),
        deployments: z.int().describe('Successful deployments.'),
        deployment_frequency: value,
        lead_time: value,
        change_failure_rate: value,
        time_to_restore: value,
      }),
    )
    .describe('Each group that the window touches, with the figures of the part that lies in it; oldest first.'),
  definitions: z.strictObject({
    deployment_frequency: definition,
    lead_time: definition,
    change_failure_rate: definition,
    time_to_restore: definition,
  }),
  sources: rowsAnswer.shape.sources,
  note: rowsAnswer.shape.note,
});
