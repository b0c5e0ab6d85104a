import type { Entry, Json, JsonObject } from '../contract/index.ts';
import type { Finding, Sample } from './quality.ts';

const MOST_AHEAD_US = 5 * 60 * 1e6;
const AMOUNT = /_(?:seconds|ms|hours|bytes|size|count|passed|failed)$/;
const FRACTION = /_(?:score|rate)$/;
/** SEED.md, 2: what the metadata of the metrics may hold. */
const ALWAYS_FRACTIONS = ['code_review_score'];

/** Entries whose values can be true. */
export function accuracy({ entries, at }: Sample): Finding {
  const fractions = fractionsOf(entries);
  const possible = (name: string, value: number) => {
    if (AMOUNT.test(name)) return value >= 0;
    return !fractions.has(name) || isFraction(value);
  };
  const plausible = ({ time, body }: Entry) =>
    time <= at + MOST_AHEAD_US && numbersOf(body).every(([name, value]) => possible(name, value));
  return {
    numerator: entries.filter(plausible).length,
    denominator: entries.length,
    rule:
      'entries that are not of the future (by more than 5 minutes), without negative numbers in fields called …_seconds, …_ms, …_hours, …_bytes, …_size, …_count, …_passed or …_failed, ' +
      `and within 0 to 1 in ${ALWAYS_FRACTIONS.join(', ')} and in other fields called …_score or …_rate that mostly are`,
  };
}

/** Those that always are, and fields of that name whose numbers mostly lie within 0 to 1; others may count something else, such as percents. */
function fractionsOf(entries: readonly Entry[]): Set<string> {
  const within = new Map<string, number>();
  for (const { body } of entries) {
    for (const [name, value] of numbersOf(body)) {
      if (FRACTION.test(name)) within.set(name, (within.get(name) ?? 0) + (isFraction(value) ? 1 : -1));
    }
  }
  return new Set([...ALWAYS_FRACTIONS, ...[...within].filter(([, balance]) => balance > 0).map(([name]) => name)]);
}

function isFraction(value: number): boolean {
  return value >= 0 && value <= 1;
}

/** The numbers of an entry, those one level down in objects included. */
function numbersOf(body: JsonObject): [string, number][] {
  const numbers: [string, number][] = [];
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'number') numbers.push([name, value]);
    else if (isObject(value)) {
      for (const [inner, number] of Object.entries(value)) if (typeof number === 'number') numbers.push([inner, number]);
    }
  }
  return numbers;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
