import type { Point, Query } from '../contract/index.ts';

type Order = Query['order'];

/** Compares in the query's order: negative when `a` comes first. Ids are read only for equal times, as they may be costly. */
export function comparePoints(order: Order, a: Point, b: Point): number {
  if (a.time !== b.time) return a.time < b.time === (order === 'oldest') ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id === (order === 'oldest') ? -1 : 1;
}

/** Ids are at most 96 bytes of printable ASCII without spaces. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,96}$/.test(value);
}
