import type { Json, JsonObject, Micros } from './entry.ts';
import type { Query, Run } from './query.ts';
import type { SourceReport } from './sink.ts';

/**
 * `count`: how many numbers there are. `p50`, `p95`, `p99.9`: quantiles by linear interpolation between the two closest ranks
 * (R-7 of Hyndman and Fan, SQL's PERCENTILE_CONT).
 */
export type MeasureFunction = 'count' | 'sum' | 'avg' | 'min' | 'max' | `p${number}`;

/** Numbers in `field` are measured; everything else in it is left out. */
export interface Measure {
  readonly fn: MeasureFunction;
  readonly field: string;
}

/**
 * Entries in `[from, to)` that meet `where`, counted and measured by groups. A field is a key of the entry, or a dotted path of
 * keys; other than in a condition, an array on the way ends it.
 */
export interface StatsQuery extends Pick<Query, 'from' | 'to' | 'where'> {
  /** Fields whose values make the groups; an entry without the field is in the group of `null`. See {@link groupValue}. */
  readonly by: readonly string[];
  /** Width of time buckets, which begin at multiples of it since the epoch. Absent: one bucket. */
  readonly bucket?: Micros;
  readonly measures: readonly Measure[];
}

export interface StatsRow {
  /** Begin of the bucket, when buckets were asked for. */
  readonly time?: Micros;
  readonly group: JsonObject;
  readonly count: number;
  /** By `fn(field)`, e.g. `avg(duration_seconds)`: a number, or null when there was none to measure; of `count`, 0. */
  readonly values: Readonly<Record<string, number | null>>;
}

/** A source that counts and measures by itself. What it cannot, the core works out from its entries. */
export interface StatsFacet {
  /** Whether every part of the query can be answered, and exactly. Of no use is an answer that is nearly right. */
  plan(query: StatsQuery): boolean | Promise<boolean>;
  /**
   * Only what the plan promised. Never asked for `avg`, which the core makes of `sum` and `count`. The same group may come more
   * than once, and the core adds up; groups without entries do not come.
   */
  run(query: StatsQuery, run: Run): AsyncIterable<readonly StatsRow[]>;
}

/** The most groups that one request may make, over all its sources. */
export const MOST_GROUPS = 100_000;

export interface StatsRequest extends Partial<StatsQuery> {
  readonly sources?: readonly string[];
  /** The most groups that are answered. Default: 1000. */
  readonly limit?: number;
}

export interface StatsAnswer {
  /** By time, then by count, largest first. */
  readonly rows: readonly StatsRow[];
  /** There are more groups than these. */
  readonly truncated: boolean;
  readonly sources: readonly SourceReport[];
  readonly notes: readonly string[];
}

/** What a group's value is called in an answer. */
export function measureName({ fn, field }: Measure): string {
  return `${fn}(${field})`;
}

const MEDIAN = { numerator: 50, denominator: 100 } as const;
const MEASURE = /^(count|sum|avg|min|max|p(?:\d{1,2}(?:\.\d{1,3})?|100))\(([^()]+)\)$/;

/** The inverse of {@link measureName}; `undefined` when the text is none. */
export function parseMeasure(text: string): Measure | undefined {
  const match = MEASURE.exec(text.trim());
  return match ? { fn: match[1] as MeasureFunction, field: (match[2] as string).trim() } : undefined;
}

/** The quantile of `pNN` as a fraction of whole numbers, so that a rank is worked out exactly; `undefined` when `fn` is none. */
export function quantileOf(fn: string): { readonly numerator: number; readonly denominator: number } | undefined {
  const match = /^p(\d+)(?:\.(\d+))?$/.exec(fn);
  if (!match) return undefined;
  const [, whole = '', digits = ''] = match;
  return { numerator: Number(whole + digits), denominator: 100 * 10 ** digits.length };
}

/** The quantile that lies between two neighbours of `count` numbers in order, the lower one at the place of {@link quantilePlace}. */
export function interpolate(fn: string, count: number, lower: number, upper: number | undefined): number {
  const { numerator, denominator } = quantileOf(fn) ?? MEDIAN;
  const fraction = (((count - 1) * numerator) % denominator) / denominator;
  return upper === undefined || fraction === 0 ? lower : lower + (upper - lower) * fraction;
}

/** The index of the number at, or just below, the quantile of `count` numbers in order. */
export function quantilePlace(fn: string, count: number): number {
  const { numerator, denominator } = quantileOf(fn) ?? MEDIAN;
  return Math.floor(((count - 1) * numerator) / denominator);
}

/**
 * A value as it stands in a group: texts, numbers, booleans and null as they are, anything else as its JSON text. What is
 * absent is null.
 */
export function groupValue(value: Json | undefined): Json {
  if (value === undefined) return null;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
