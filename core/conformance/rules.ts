import assert from 'node:assert/strict';
import type { Draft, Point, Query } from '../contract/index.ts';

const ID = /^[\x21-\x7e]{1,96}$/;

/** What must be true of every draft, whatever its source. */
export function assertDraft(draft: Draft): void {
  assert.match(draft.id, ID, 'an id is 1 to 96 bytes of printable ASCII without spaces');
  assert.ok(Number.isSafeInteger(draft.time), `time is whole microseconds, not ${draft.time}`);
  assert.ok(!draft.json.includes('\n'), 'json stands on one line');
  const body: unknown = JSON.parse(draft.json);
  assert.ok(typeof body === 'object' && body !== null && !Array.isArray(body), 'json is one object');
  if (draft.body !== undefined) assert.deepEqual(draft.body, body, 'body, when given, equals the parsed json');
}

/** Negative when `a` comes before `b` in time, then by the code units of the id. */
export function compare(a: Point, b: Point): number {
  return a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The entries that a query asks for, in its order, worked out the slow way. */
export function expected(all: readonly Draft[], query: Query): Draft[] {
  const sign = query.order === 'newest' ? -1 : 1;
  const { after } = query;
  return all
    .filter(({ time }) => time >= query.from && time < query.to)
    .filter((draft) => !after || sign * compare(draft, after) > 0)
    .sort((a, b) => sign * compare(a, b))
    .slice(0, query.limit);
}

export const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };
