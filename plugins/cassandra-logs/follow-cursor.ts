import { type Cursor, type Micros, type Point, RequestError } from '../../core/contract/index.ts';

/**
 * How far the log of batches was read, in milliseconds since 1970. Of batches up to `settled` every one was read, also those
 * that became visible late; none of what was read has a time after `upTo`.
 */
export interface Mark {
  readonly settled: number;
  readonly upTo: number;
}

/** How far the hours were walked through; behind them, the log of batches is read from when the walk began. */
export interface Walk {
  /** In milliseconds since 1970. */
  readonly began: number;
  /** Hours that were written to last before are passed over; milliseconds since 1970. */
  readonly since: number;
  /** The last line that was read; absent before the first one. */
  readonly last?: Point;
}

export type Place = Mark | Walk;

export function isWalk(place: Place): place is Walk {
  return 'began' in place;
}

const MARK = /^(\d{1,16})\.(\d{1,16})$/;
const WALK = /^walk\.(\d{1,16})\.(\d{1,16})(?:\.(-?\d{1,16})\.([!-~]{1,96}))?$/;

/** `settled.upTo`, or `walk.began.since` and what was read last, `.time.id`. */
export function formatPlace(place: Place): Cursor {
  if (!isWalk(place)) return `${place.settled}.${place.upTo}`;
  const { began, since, last } = place;
  return `walk.${began}.${since}${last ? `.${last.time}.${last.id}` : ''}`;
}

/** The inverse; a {@link RequestError} for a text that is no such cursor. */
export function parsePlace(cursor: Cursor): Place {
  const place = placeOf(cursor);
  if (place && formatPlace(place) === cursor) return place;
  const shown = JSON.stringify(cursor.length > 40 ? `${cursor.slice(0, 40)}…` : cursor);
  throw new RequestError('after', `${shown} is no cursor of logs in Cassandra; take one from an entry or a hello`);
}

function placeOf(cursor: Cursor): Place | undefined {
  const mark = MARK.exec(cursor);
  if (mark) return { settled: Number(mark[1]), upTo: Number(mark[2]) };
  const walk = WALK.exec(cursor);
  if (!walk) return undefined;
  const [, began, since, time, id] = walk;
  return { began: Number(began), since: Number(since), ...(id !== undefined && { last: { time: Number(time) as Micros, id } }) };
}
