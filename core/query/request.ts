import { type Condition, type DataType, type PageRequest, type Query, RequestError } from '../contract/index.ts';
import { compile } from './conditions.ts';
import { decodeCursor, type Identity, type Place } from './cursor.ts';

const DEFAULT_LIMIT = 1000;

/** A page request with everything decided. */
export interface PageQuery {
  readonly identity: Identity;
  readonly place: Place;
  readonly order: Query['order'];
  readonly where: readonly Condition[];
  readonly limit: number;
}

/**
 * Fills in what a request leaves out (from the epoch on, newest first, 1000 rows) and refuses what cannot be answered with
 * a {@link RequestError}. With a cursor, `from` and `to` are those of the first page.
 */
export function readRequest(type: DataType, request: PageRequest): PageQuery {
  const { order = 'newest', where = [], limit = DEFAULT_LIMIT, sources, binding, cursor } = request;
  if (order !== 'newest' && order !== 'oldest') throw new RequestError('order', `order is newest or oldest, not ${JSON.stringify(order)}`);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RequestError('limit', `limit is a whole number from 1 on, not ${String(limit)}`);
  compile(where);
  const identity: Identity = { type, order, where, sources: sources?.length ? sources : undefined, binding };
  const place = cursor === undefined ? rangeOf(request) : decodeCursor(cursor, identity);
  return { identity, place, order, where, limit };
}

/** From the epoch on, and without an end, unless the request says otherwise. */
export function rangeOf({ from = 0, to = Number.MAX_SAFE_INTEGER }: Pick<PageRequest, 'from' | 'to'>): Pick<Query, 'from' | 'to'> {
  for (const [name, value] of Object.entries({ from, to })) {
    if (!Number.isSafeInteger(value))
      throw new RequestError(name, `${name} is a whole number of microseconds since 1970, not ${String(value)}`);
  }
  if (from >= to) throw new RequestError('from', 'from must be earlier than to');
  return { from, to };
}
