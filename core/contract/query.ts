import type { Draft, Json, Micros } from './entry.ts';

/** A place in the total order of entries: `time`, then `id` by code unit. */
export interface Point {
  readonly time: Micros;
  readonly id: string;
}

/**
 * `=` equals, `!=` does not (an absent field is unequal), `<` … `>=` compare, `^=` begins with, `~=` contains, `exists` is there.
 * The comparison itself is defined in one place, `core/query/conditions.ts`.
 */
export type Op = '=' | '!=' | '<' | '<=' | '>' | '>=' | '^=' | '~=' | 'exists';

/** `field` is a key, or a dotted path. A list as the `value` of `=` means any of them. */
export interface FieldCondition {
  readonly field: string;
  readonly op: Op;
  readonly value?: Json;
}
/** Some decoded key or string value of the entry, at any depth, contains the text. */
export interface SearchCondition {
  readonly search: string;
}
export type Condition = FieldCondition | SearchCondition;

export interface Query {
  /** Inclusive. */
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
  readonly order: 'newest' | 'oldest';
  readonly where: readonly Condition[];
  /** Only entries strictly behind this point, in the query's order. */
  readonly after?: Point;
  /** Set only when the plan promised that everything above is exact. Absent: yield all. */
  readonly limit?: number;
}

/** `exact`: applied fully. `inexact`: a superset comes back. `unsupported`: not looked at. */
export type Support = 'exact' | 'inexact' | 'unsupported';

/** What a source will do with a query; whatever it does not do, the core does. */
export interface Plan {
  /** One per condition of `where`, in the same order. */
  readonly where: readonly Support[];
  /** `exact`: by (time, id). `time`: by time, equal times in any order. `none`: any order. */
  readonly order: 'exact' | 'time' | 'none';
  /** `from` and `to` are applied exactly. */
  readonly range: boolean;
  /** `after` is honoured. */
  readonly seeks: boolean;
}

/** Codes of notes that count what was no entry, by themselves or with `:` and a detail behind: a broken line, a row without a time. */
export const LEFT_OUT: readonly string[] = ['malformed', 'no-time'];

/** Handed to everything that runs for one request. */
export interface Run {
  readonly signal: AbortSignal;
  /** Tell the person who asked. Of one source and code, the last text counts, and `count` is added up. See {@link LEFT_OUT}. */
  note(code: string, text: string, count?: number): void;
}

export interface QueryFacet {
  /** Absent: nothing is supported and the core does it all; slow, never wrong. */
  plan?(query: Query): Plan | Promise<Plan>;
  run(query: Query, run: Run): AsyncIterable<readonly Draft[]>;
}
