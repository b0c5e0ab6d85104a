import {
  type Measure,
  measureName,
  parseMeasure,
  quantileOf,
  RequestError,
  type StatsQuery,
  type StatsRequest,
} from '../contract/index.ts';
import { compile } from './conditions.ts';
import { rangeOf } from './request.ts';

const DEFAULT_LIMIT = 1000;
const MOST_FIELDS = 10;
const MOST_MEASURES = 50;

/** Fills in what a request leaves out, and refuses with a {@link RequestError} what cannot be answered. */
export function readStats(request: StatsRequest): { readonly query: StatsQuery; readonly limit: number } {
  const { where = [], by = [], measures = [], bucket, limit = DEFAULT_LIMIT } = request;
  compile(where);
  if (by.length > MOST_FIELDS) throw new RequestError('by', `by takes at most ${MOST_FIELDS} fields, not ${by.length}`);
  for (const field of by) {
    if (typeof field !== 'string' || field === '') throw new RequestError('by', 'by takes names of fields');
  }
  if (measures.length > MOST_MEASURES) throw new RequestError('measure', `there may be at most ${MOST_MEASURES} measures`);
  for (const measure of measures) checkMeasure(measure);
  if (bucket !== undefined && !(Number.isSafeInteger(bucket) && bucket > 0))
    throw new RequestError('bucket', `bucket is a whole number of microseconds from 1 on, not ${String(bucket)}`);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RequestError('limit', `limit is a whole number from 1 on, not ${String(limit)}`);
  const named = new Map(measures.map((measure) => [measureName(measure), measure]));
  const query = {
    ...rangeOf(request),
    where,
    by: [...new Set(by)],
    measures: [...named.values()],
    ...(bucket !== undefined && { bucket }),
  };
  return { query, limit };
}

function checkMeasure(measure: Measure): void {
  const read = parseMeasure(measureName(measure));
  if (read?.fn === measure.fn && read.field === measure.field) return;
  const what = quantileOf(measure.fn)
    ? 'a quantile is p0 to p100, with at most three digits behind the point'
    : 'there are count, sum, avg, min, max and quantiles such as p95';
  throw new RequestError(
    'measure',
    `${JSON.stringify(measureName(measure))} cannot be measured: ${what}, of a field: avg(duration_seconds)`,
  );
}
