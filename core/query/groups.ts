import {
  groupValue,
  type Json,
  type JsonObject,
  type Measure,
  type Micros,
  MOST_GROUPS,
  measureName,
  quantileOf,
  RequestError,
  type StatsQuery,
  type StatsRow,
} from '../contract/index.ts';
import { fieldValue } from './field.ts';
import { Held, Tally } from './tally.ts';

interface Group {
  readonly time?: Micros;
  readonly group: JsonObject;
  count: number;
  /** By field. */
  readonly tallies: ReadonlyMap<string, Tally>;
  /** Quantiles that a source worked out, by the names of their measures. */
  quantiles?: StatsRow['values'];
}

/** Counts and measures by groups, from entries, and from what sources have counted. */
export class Groups {
  readonly #query: StatsQuery;
  readonly #by: readonly ReturnType<typeof fieldValue>[];
  readonly #measured: readonly { readonly field: string; readonly value: ReturnType<typeof fieldValue>; readonly quantiles: boolean }[];
  readonly #given: readonly Measure[];
  readonly #groups = new Map<string, Group>();
  readonly #held = new Held();

  constructor(query: StatsQuery) {
    this.#query = query;
    this.#given = forSource(query).measures;
    this.#by = query.by.map(fieldValue);
    this.#measured = [...new Set(query.measures.map(({ field }) => field))].map((field) => ({
      field,
      value: fieldValue(field),
      quantiles: query.measures.some((measure) => measure.field === field && quantileOf(measure.fn)),
    }));
  }

  add(time: Micros, body: JsonObject): void {
    const { bucket } = this.#query;
    const begin = bucket === undefined ? undefined : Math.floor(time / bucket) * bucket;
    const group = this.#at(
      begin,
      this.#by.map((value) => groupValue(value(body))),
    );
    group.count++;
    for (const { field, value } of this.#measured) {
      const number = value(body);
      if (typeof number === 'number' && Number.isFinite(number)) group.tallies.get(field)?.add(number);
    }
  }

  /** Adds a row that a source answered to {@link forSource} of the query. */
  merge({ time, group: values, count, values: measured }: StatsRow): void {
    const group = this.#at(
      time,
      this.#query.by.map((field) => values[field] ?? null),
    );
    group.count += count;
    for (const measure of this.#given) {
      const { fn, field } = measure;
      const value = measured[measureName(measure)] ?? null;
      if (value !== null && isMergeable(fn)) group.tallies.get(field)?.merge(fn, value);
    }
    group.quantiles = measured;
  }

  /** In the order of an answer, at most `limit`. */
  rows(limit: number): { readonly rows: StatsRow[]; readonly truncated: boolean } {
    const sorted = [...this.#groups].sort(
      ([keyA, a], [keyB, b]) => (a.time ?? 0) - (b.time ?? 0) || b.count - a.count || (keyA < keyB ? -1 : 1),
    );
    const rows = sorted.slice(0, limit).map(([, { time, group, count, tallies, quantiles }]): StatsRow => {
      const measures = this.#query.measures.map((measure) => {
        const name = measureName(measure);
        return [
          name,
          quantiles && quantileOf(measure.fn) ? (quantiles[name] ?? null) : (tallies.get(measure.field)?.value(measure.fn) ?? null),
        ];
      });
      return { ...(time !== undefined && { time }), group, count, values: Object.fromEntries(measures) };
    });
    return { rows, truncated: sorted.length > limit };
  }

  #at(time: Micros | undefined, values: readonly Json[]): Group {
    const key = keyOf(time, values);
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= MOST_GROUPS) throw new TooManyGroups(this.#query);
      group = {
        ...(time !== undefined && { time }),
        group: Object.fromEntries(this.#query.by.map((field, index) => [field, values[index] ?? null])),
        count: 0,
        tallies: new Map(this.#measured.map(({ field, quantiles }) => [field, new Tally(quantiles ? this.#held : undefined)])),
      };
      this.#groups.set(key, group);
    }
    return group;
  }
}

export class TooManyGroups extends RequestError {
  constructor({ by, bucket }: StatsQuery) {
    const mend = bucket === undefined ? 'fields of fewer values' : 'fields of fewer values, a wider bucket or a shorter time';
    super(by.length > 0 ? 'by' : 'bucket', `this makes more than ${MOST_GROUPS} groups; ask for ${mend}, or add a condition`);
  }
}

/** What a source is asked for: measures that add up, so `sum` and `count` for `avg`; and quantiles, which do not. */
export function forSource(query: StatsQuery): StatsQuery {
  const measures = query.measures.flatMap(({ fn, field }): Measure[] => {
    return fn === 'avg'
      ? [
          { fn: 'sum', field },
          { fn: 'count', field },
        ]
      : [{ fn, field }];
  });
  return { ...query, measures: [...new Map(measures.map((measure) => [measureName(measure), measure])).values()] };
}

/** Whether some groups come more than once. */
export function repeats(query: StatsQuery, rows: readonly StatsRow[]): boolean {
  const keys = rows.map(({ time, group }) =>
    keyOf(
      time,
      query.by.map((field) => group[field] ?? null),
    ),
  );
  return new Set(keys).size < keys.length;
}

function isMergeable(fn: Measure['fn']): fn is 'count' | 'sum' | 'min' | 'max' {
  return fn === 'count' || fn === 'sum' || fn === 'min' || fn === 'max';
}

/** Texts and numbers stay apart: as JSON they look different. */
function keyOf(time: Micros | undefined, values: readonly Json[]): string {
  return JSON.stringify([time ?? null, ...values]);
}
