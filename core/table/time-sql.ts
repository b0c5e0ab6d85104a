import { formatTime, type Micros } from '../contract/index.ts';
import type { ColumnTest } from './condition-sql.ts';
import type { Sql } from './database.ts';
import { isJsonNumber } from './json-number.ts';
import { ALWAYS, allOf, anyOf, NEVER, sql } from './sql.ts';

/** Years 1 to 9999: there the order of times is that of their texts. */
const FIRST = -62_135_596_800_000_000;
const BEYOND = Date.UTC(10_000, 0, 1) * 1000;

/** A time is told as `2025-11-07T02:00:00.000000Z`, and compared as that text. */
export function timeTest({ name, op, texts, dialect }: ColumnTest): Sql | undefined {
  const [text = ''] = texts;
  const from = (time: Micros) => (time >= BEYOND ? NEVER : time <= FIRST ? ALWAYS : sql(`${name} >= ?`, dialect.timeValue(time)));
  const before = (time: Micros) => (time >= BEYOND ? ALWAYS : time <= FIRST ? NEVER : sql(`${name} < ?`, dialect.timeValue(time)));
  const is = (one: string) => {
    const time = leastFrom(one);
    return formatTime(time) === one ? sql(`${name} = ?`, dialect.timeValue(time)) : NEVER;
  };
  const known = (test: Sql) => (test === ALWAYS ? sql(`${name} IS NOT NULL`) : test);
  if (op === '=') return anyOf(texts.map(is));
  if (op === '^=') return known(allOf([from(leastFrom(text)), before(leastFrom(`${text}\uffff`))]));
  if (op === '~=') return undefined;
  // A time is no number.
  if (isJsonNumber(text)) return NEVER;
  const least = leastFrom(text);
  if (op === '<') return known(before(least));
  if (op === '>=') return known(from(least));
  const behind = leastFrom(`${text}\0`);
  return known(op === '<=' ? before(behind) : from(behind));
}

/** The least time whose text is not less than this one. */
function leastFrom(text: string): Micros {
  if (formatTime(FIRST) >= text) return FIRST;
  let [below, found] = [FIRST, BEYOND];
  for (;;) {
    // Far from today a double has no room for each microsecond.
    const middle = Math.floor((below + found) / 2);
    if (middle <= below || middle >= found) return found;
    if (formatTime(middle) >= text) found = middle;
    else below = middle;
  }
}
