import {
  choiceParameter,
  collectParameters,
  dataTypes,
  formatTime,
  integerParameter,
  type Json,
  LONGEST_DAYS,
  listParameter,
  type Measure,
  type Micros,
  measureName,
  now,
  parseDuration,
  parseMeasure,
  RequestError,
  type Services,
  type StatsAnswer,
  type StatsRequest,
  selectionOf,
  timeParameter,
} from '../../core/contract/index.ts';
import type { Answer } from './answer.ts';
import { csvTable } from './csv.ts';
import { throwIfAllFailed } from './faults.ts';
import type { Options } from './options.ts';
import { labelsOf, noteOf, reportsOf } from './reports.ts';
import { headerText } from './rows.ts';
import { REPEATABLE, STATS_FORMATS, statsParameters } from './stats-schema.ts';

const DAY = 86_400_000_000;

type StatsServices = Pick<Services, 'stats' | 'sources'>;

/** Answers `GET /api/data/stats`; `search` is the query string as it came. */
export async function answerStats(search: string, agent: StatsServices, options: Options, signal: AbortSignal): Promise<Answer> {
  const asked = parseStats(new URLSearchParams(search), agent, options);
  const answer = await agent.stats(asked.type, asked.request, signal);
  if (answer.rows.length === 0) throwIfAllFailed({ entries: [], sources: answer.sources, notes: answer.notes });
  return asked.format === 'csv' ? csv(asked, answer) : json(asked, answer);
}

interface Asked {
  readonly type: string;
  readonly request: StatsRequest & { readonly by: readonly string[]; readonly measures: readonly Measure[] };
  readonly days: number;
  /** As it was written. */
  readonly bucket: string | undefined;
  readonly format: (typeof STATS_FORMATS)[number];
}

function parseStats(search: URLSearchParams, agent: StatsServices, options: Options): Asked {
  const values = collectParameters(search, Object.keys(statsParameters.shape), REPEATABLE);
  const { type, where, sources } = selectionOf(values, dataTypes(agent.sources()));
  const at = now();
  const days = integerParameter(values, 'days', 7, LONGEST_DAYS);
  const from = timeParameter(values, 'from', at) ?? at - days * DAY;
  const to = timeParameter(values, 'to', at) ?? Number.MAX_SAFE_INTEGER;
  if (from >= to) throw new RequestError('from', 'from must be earlier than to');
  const [bucket] = listParameter(values, 'bucket');
  const request = {
    from,
    to,
    where,
    by: [...new Set(listParameter(values, 'by').flatMap(fieldsOf))],
    measures: listParameter(values, 'measure').flatMap(measuresOf),
    limit: integerParameter(values, 'limit', Math.min(options.default_limit, options.max_limit), options.max_limit),
    ...(sources && { sources }),
    ...(bucket !== undefined && { bucket: bucketOf(bucket) }),
  };
  return { type, request, days, bucket, format: choiceParameter(values, 'format', STATS_FORMATS) };
}

function fieldsOf(text: string): string[] {
  const fields = text.split(',').map((field) => field.trim());
  if (fields.includes('')) throw new RequestError('by', `by=${text} names an empty field; write by=phase_name,decision`);
  return fields;
}

function measuresOf(text: string): Measure[] {
  return text.split(/(?<=\))\s*,/).map((one) => {
    const measure = parseMeasure(one);
    if (measure) return measure;
    throw new RequestError(
      'measure',
      `measure=${one} is no measure; write a function of a field, such as avg(duration_seconds): count, sum, avg, min, max, or a quantile from p0 to p100`,
    );
  });
}

function bucketOf(text: string): Micros {
  const micros = (parseDuration(text) ?? 0) * 1000;
  if (Number.isSafeInteger(micros) && micros > 0) return micros;
  throw new RequestError('bucket', `bucket must be a duration such as 15m, 1h or 1d, not ${JSON.stringify(text)}`);
}

function json(asked: Asked, answer: StatsAnswer): Answer {
  const body = {
    ...headOf(asked, answer),
    count: answer.rows.length,
    data: answer.rows.map(({ time, ...row }) => ({ ...(time !== undefined && { time: formatTime(time) }), ...row })),
    ...endOf(answer),
  };
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, body: Buffer.from(JSON.stringify(body)) };
}

/** A row a group: its time, what it is by, its count and its measures, each under its name. */
function csv(asked: Asked, answer: StatsAnswer): Answer {
  const { by, measures, bucket } = asked.request;
  const names = measures.map(measureName);
  const head = [...(bucket === undefined ? [] : ['time']), ...by, 'count', ...names];
  const rows = answer.rows.map(({ time, group, count, values }) => {
    const cells: Json[] = [...(time === undefined ? [] : [formatTime(time)]), ...by.map((field) => group[field] ?? null), count];
    return [...cells, ...names.map((name) => values[name] ?? null)].map((cell) => JSON.stringify(cell));
  });
  const summary = { count: answer.rows.length, ...endOf(answer) };
  return {
    headers: { 'content-type': 'text/csv; charset=utf-8; header=present', 'cauce-summary': headerText(summary) },
    body: Buffer.from(csvTable(head, rows)),
  };
}

function headOf({ type, request, days, bucket }: Asked, answer: StatsAnswer) {
  return {
    query_type: type,
    source: labelsOf({ entries: [], ...answer }),
    days,
    by: request.by,
    ...(bucket !== undefined && { bucket }),
    measures: request.measures.map(measureName),
  };
}

function endOf(answer: StatsAnswer) {
  return { truncated: answer.truncated, sources: reportsOf({ entries: [], ...answer }), ...noteOf(answer.notes) };
}
