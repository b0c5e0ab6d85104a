import { z } from 'zod';
import { parseCondition } from './condition-text.ts';
import type { DataType, Micros } from './entry.ts';
import { RequestError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Condition } from './query.ts';
import type { PageRequest, SourceInfo } from './sink.ts';
import { now, parseTime } from './time.ts';

const several = (text: string) => z.array(z.string()).optional().describe(`${text} May be repeated.`);
const one = (text: string) => z.string().optional().describe(text);

const ORDERS = ['newest', 'oldest'] as const;
const FORMATS = ['json', 'ndjson', 'csv'] as const;
const SWITCH = ['0', '1', 'false', 'true'] as const;
/** The most days that a window of time may have. */
export const LONGEST_DAYS = 36_500;

/** What selects entries, the same for a query, a stream and the command line. */
export const selectionParameters = z.strictObject({
  type: one('Which data: `metrics`, `logs`, `health`, or a type that a plugin adds. Required.'),
  source: several('Only this configured source; several may be separated by commas.'),
  level: several('Only this level, written `ERROR`, `error` or `Error`; several levels may be separated by commas.'),
  logger: several('Only this logger.'),
  request_id: several('Only this request.'),
  where: several('A condition: `duration_ms>=500`, `status!=200`, `logger^=app.`, `message~=timeout`, `exception`. All must hold.'),
  search: several('Some key or string value, at any depth, contains this text.'),
});

/** What a query takes beyond the selection, for its documentation; {@link parseQuery} reads it from a URL. */
export const queryParameters = selectionParameters.extend({
  days: z.int().min(1).max(LONGEST_DAYS).optional().describe('How many days back from now. Default 7.'),
  limit: z.int().min(1).optional().describe('The most rows to answer, up to 10000 unless configured otherwise. Default 1000.'),
  from: one('Earliest time, inclusive: RFC 3339, Unix, or relative such as `-2h`. Overrides `days`.'),
  to: one('Latest time, exclusive, in the same forms. Default: no bound.'),
  order: z.enum(ORDERS).optional().describe('`newest` (default) or `oldest` first.'),
  cursor: one('The `next_cursor` of an answer to the same query; continues behind it.'),
  format: z.enum(FORMATS).optional().describe('`json` (default), `ndjson` (ends with a summary record) or `csv`.'),
  history: z.enum(SWITCH).optional().describe('With `type=health`: `1` answers the recorded history instead of the present state.'),
});

export interface RequestLimits {
  readonly types: readonly DataType[];
  readonly defaultLimit: number;
  readonly maxLimit: number;
  readonly now?: Micros;
}
export interface Selection {
  readonly type: DataType;
  readonly where: readonly Condition[];
  readonly sources?: readonly string[];
}
export interface QueryRequest extends Selection {
  readonly page: PageRequest;
  readonly days: number;
  readonly format: 'json' | 'ndjson' | 'csv';
  readonly history: boolean;
}

/** The types that may be asked for: those that are always known, and those of the configured sources. */
export function dataTypes(sources: readonly SourceInfo[]): DataType[] {
  return [...new Set(['metrics', 'logs', 'health', ...sources.map((source) => source.type)])];
}

type Parameters = Partial<Record<string, string | string[]>>;

/** Reads the selection of a stream; `extra` names the parameters that the caller reads by itself. */
export function parseSelection(search: URLSearchParams, types: readonly DataType[], extra: readonly string[] = []): Selection {
  const known = Object.keys(selectionParameters.shape);
  return selectionOf(collect(search, [...known, ...extra]), types);
}

/** Reads a query. Every fault is a {@link RequestError} that names its parameter. */
export function parseQuery(search: URLSearchParams, limits: RequestLimits): QueryRequest {
  const values = collect(search, Object.keys(queryParameters.shape));
  const selection = selectionOf(values, limits.types);
  const at = limits.now ?? now();
  const days = integer(values, 'days', 7, LONGEST_DAYS);
  const from = time(values, 'from', at) ?? at - days * 86_400_000_000;
  const to = time(values, 'to', at) ?? Number.MAX_SAFE_INTEGER;
  if (from >= to) throw new RequestError('from', 'from must be earlier than to');
  const page: PageRequest = {
    from,
    to,
    order: choice(values, 'order', ORDERS),
    where: selection.where,
    limit: integer(values, 'limit', limits.defaultLimit, limits.maxLimit),
    binding: JSON.stringify([days, values['from'] ?? null, values['to'] ?? null]),
    ...(selection.sources && { sources: selection.sources }),
    ...(values['cursor'] !== undefined && { cursor: values['cursor'] as string }),
  };
  const history = choice(values, 'history', SWITCH);
  return {
    ...selection,
    page,
    days,
    format: choice(values, 'format', FORMATS),
    history: history === '1' || history === 'true',
  };
}

/** `repeatable`: those of `known`, besides the selection's own, that may be given more than once. */
function collect(search: URLSearchParams, known: readonly string[], repeatable: readonly string[] = []): Parameters {
  const values: Parameters = {};
  for (const name of new Set(search.keys())) {
    if (!known.includes(name)) {
      const meant = nearest(name, known);
      throw new RequestError(
        name,
        `unknown parameter ${JSON.stringify(name)}${meant ? `; did you mean ${meant}?` : ''} (known: ${known.join(', ') || 'none'})`,
      );
    }
    const all = search.getAll(name);
    const several = (name in selectionParameters.shape && name !== 'type') || repeatable.includes(name);
    if (!several && all.length > 1) throw new RequestError(name, `${name} was given ${all.length} times; give it once`);
    values[name] = several ? all : (all[0] as string);
  }
  return values;
}

function selectionOf(values: Parameters, types: readonly DataType[]): Selection {
  const { type } = values;
  const valid = `valid types: ${types.join(', ')}`;
  if (type === undefined || type === '') throw new RequestError('type', `type is missing; ${valid}`);
  if (!types.includes(type as string)) throw new RequestError('type', `Invalid query type: ${String(type)}; ${valid}`);
  const where: Condition[] = [];
  for (const text of list(values, 'where')) {
    const condition = parseCondition(text);
    if (!condition)
      throw new RequestError(
        'where',
        `where=${text} is no condition; write field=value, field!=value, <, <=, >, >=, ^= (begins with), ~= (contains), or a field alone (exists)`,
      );
    where.push(condition);
  }
  for (const field of ['level', 'logger', 'request_id']) {
    const wanted = list(values, field).flatMap((text) => (field === 'level' ? text.split(',').flatMap(anyCase) : [text]));
    if (wanted.length > 0) where.push({ field, op: '=', value: wanted });
  }
  for (const search of list(values, 'search')) where.push({ search });
  const sources = list(values, 'source').flatMap((text) => text.split(','));
  return { type: type as string, where, ...(sources.length > 0 && { sources }) };
}

function list(values: Parameters, name: string): string[] {
  const given = values[name];
  if (given === undefined) return [];
  const all = typeof given === 'string' ? [given] : given;
  if (all.includes('')) throw new RequestError(name, `${name} is empty; leave it out, or give it a value`);
  return all;
}

function anyCase(level: string): string[] {
  const lower = level.toLowerCase();
  return [...new Set([level, level.toUpperCase(), lower, lower.charAt(0).toUpperCase() + lower.slice(1)])];
}

function integer(values: Parameters, name: string, fallback: number, max: number, least = 1): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(String(text)) || value < least || value > max) {
    throw new RequestError(name, `${name} must be a whole number from ${least} to ${max}, not ${JSON.stringify(text)}`);
  }
  return value;
}

function time(values: Parameters, name: string, at: Micros): Micros | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const parsed = parseTime(String(text), at);
  // What lies beyond the times that entries can have is as good as no bound.
  const value = parsed && Math.min(Math.max(parsed, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  if (value === undefined)
    throw new RequestError(
      name,
      `${name} must be a time such as 2025-11-07T02:00:00Z, 1762480800, -2h or now, not ${JSON.stringify(text)}`,
    );
  return value;
}

function choice<const T extends readonly string[]>(values: Parameters, name: string, choices: T): T[number] {
  const text = values[name] ?? choices[0];
  if (!choices.includes(text as string))
    throw new RequestError(name, `${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(text)}`);
  return text as T[number];
}

/** How one parameter is read, for the routes that have parameters of their own. Every fault is a {@link RequestError} that names it. */
export {
  choice as choiceParameter,
  collect as collectParameters,
  integer as integerParameter,
  list as listParameter,
  selectionOf,
  time as timeParameter,
};
