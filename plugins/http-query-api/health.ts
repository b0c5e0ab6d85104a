import { type Entry, type Json, type JsonObject, type Micros, now, type Page } from '../../core/contract/index.ts';
import { labelsOf, noteOf, reportsOf } from './reports.ts';

/** From best to worst. */
const STATES = ['ok', 'unknown', 'warning', 'critical'] as const;
type State = (typeof STATES)[number];

/** The present health as JSON: what every script says, merged. */
export function jsonHealth(page: Page, at: Micros = now()): string {
  const data = mergeHealth(page, at);
  return JSON.stringify({
    query_type: 'health',
    source: labelsOf(page),
    count: Object.keys(data.checks).length,
    data,
    truncated: false,
    sources: reportsOf(page),
    ...noteOf(page.notes),
  });
}

export interface Health {
  readonly status: State;
  readonly checks: Readonly<Record<string, State>>;
  /** One member per source: what it says besides its checks, its own `status` and `age_seconds`, or its `error`. */
  readonly details: Readonly<Record<string, JsonObject>>;
  /** Of the oldest result; absent when there is none. */
  readonly age_seconds?: number;
}

/**
 * The worst status wins; a source that failed, and no source at all, count as `unknown`. A check that several scripts know by
 * the same name is called `source.check`.
 */
export function mergeHealth(page: Page, at: Micros): Health {
  const results = resultsOf(page.entries, at);
  const failed = page.sources.filter((report) => report.status !== 'ok');
  const details = new Map<string, JsonObject>(results.map((result) => [result.name, result.details]));
  for (const { name, error, status } of failed) {
    if (!details.has(name)) details.set(name, { status: 'unknown', error: error ?? status });
  }
  const known = results.map((result) => result.status);
  const ages = results.map((result) => result.age);
  return {
    status: worst(failed.length > 0 || known.length === 0 ? [...known, 'unknown'] : known),
    checks: Object.fromEntries(mergeChecks(results)),
    details: Object.fromEntries(details),
    ...(ages.length > 0 && { age_seconds: Math.max(...ages) }),
  };
}

interface Result {
  readonly name: string;
  readonly status: State;
  readonly checks: ReadonlyMap<string, State>;
  readonly details: JsonObject;
  readonly age: number;
}

function resultsOf(entries: readonly Entry[], at: Micros): Result[] {
  const seen = new Map<string, number>();
  return entries.map(({ source, time, body }) => {
    const nth = (seen.get(source) ?? 0) + 1;
    seen.set(source, nth);
    const status = stateOf(body['status']);
    const age = Math.max(0, Math.round((at - time) / 1e5) / 10);
    return {
      name: nth === 1 ? source : `${source}.${nth}`,
      status,
      age,
      checks: new Map(Object.entries(objectOf(body['checks'])).map(([check, state]) => [check, stateOf(state)])),
      details: { ...objectOf(body['details']), status, age_seconds: age },
    };
  });
}

function mergeChecks(results: readonly Result[]): Map<string, State> {
  const uses = new Map<string, number>();
  for (const { checks } of results) for (const check of checks.keys()) uses.set(check, (uses.get(check) ?? 0) + 1);
  const merged = new Map<string, State>();
  for (const { name, checks } of results) {
    for (const [check, state] of checks) {
      let key = (uses.get(check) ?? 0) > 1 ? `${name}.${check}` : check;
      while (merged.has(key)) key = `${name}.${key}`;
      merged.set(key, state);
    }
  }
  return merged;
}

function worst(states: readonly State[]): State {
  return states.reduce((a, b) => (STATES.indexOf(b) > STATES.indexOf(a) ? b : a), 'ok');
}

function stateOf(value: Json | undefined): State {
  return STATES.find((state) => state === value) ?? 'unknown';
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
