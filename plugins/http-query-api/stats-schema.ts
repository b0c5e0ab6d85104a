import { queryParameters, selectionParameters, z } from '../../core/contract/index.ts';
import { rowsAnswer } from './schemas.ts';

/** The first one is what holds when nothing is said. */
export const STATS_FORMATS = ['json', 'csv'] as const;
/** Those, besides what selects entries, that may be given more than once. */
export const REPEATABLE = ['by', 'measure'] as const;

const { days, from, to } = queryParameters.shape;
const time = z.string().describe('RFC 3339.');
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const statsParameters = selectionParameters.extend({
  by: z
    .array(z.string())
    .optional()
    .describe(
      'Fields whose values make the groups, such as `phase_name` or `metadata.developer`; several may be separated by commas. May be repeated.',
    ),
  measure: z
    .array(z.string())
    .optional()
    .describe(
      'What to measure: `count`, `sum`, `avg`, `min`, `max` or a quantile such as `p95` of the numbers in a field: `avg(duration_seconds)`. Several may be separated by commas. May be repeated.',
    ),
  bucket: z
    .string()
    .optional()
    .describe('Groups by time as well, in steps such as `1h` or `1d`, which begin at multiples of it since 1970 in UTC.'),
  days,
  from,
  to,
  limit: z.int().min(1).optional().describe('The most groups to answer, up to 10000 unless configured otherwise. Default 1000.'),
  format: z.enum(STATS_FORMATS).optional().describe('`json` (default) or `csv`.'),
});

export const statsAnswer = z.strictObject({
  query_type: z.string(),
  source: z.string().describe('What was counted, joined by ` + `; `none` when no source of this type is configured.'),
  days: z.int(),
  by: z.array(z.string()),
  bucket: z.string().optional().describe('As it was asked for.'),
  measures: z.array(z.string()),
  count: z.int().describe('Groups in `data`.'),
  data: z
    .array(
      z.strictObject({
        time: time.optional().describe('Begin of the bucket.'),
        group: z
          .record(z.string(), scalar)
          .describe('By field; what is no text, number or boolean is told as JSON text, and what is absent is null.'),
        count: z.int().describe('Entries in the group.'),
        values: z.record(z.string(), z.number().nullable()).describe('By measure; null when there was no number to measure.'),
      }),
    )
    .describe('By time, then by count, largest first.'),
  truncated: z.boolean().describe('There are more groups than these.'),
  sources: z.array(rowsAnswer.shape.sources.element.extend({ count: z.int().describe('Entries of this source that were counted.') })),
  note: rowsAnswer.shape.note,
});
