import { type Cursor, type Micros, RequestError } from '../contract/index.ts';

/**
 * How far a table was read by time. `now` is at most the present: one row whose time lies ahead must not make a follower look
 * for what comes behind it only.
 */
export interface Mark {
  readonly now: Micros;
  readonly newest: Micros;
}

export const NOTHING: Mark = { now: Number.NEGATIVE_INFINITY, newest: Number.NEGATIVE_INFINITY };

/** The mark behind a row of this time, which was seen at `now`. */
export function seenBy(mark: Mark, time: Micros, now: Micros): Mark {
  if (time <= mark.now) return mark;
  return { now: Math.max(mark.now, Math.min(time, now)), newest: Math.max(mark.newest, time) };
}

/** `now`, and `.newest` when that is another; `''` when nothing was seen. */
export function formatMark({ now, newest }: Mark): Cursor {
  if (newest === Number.NEGATIVE_INFINITY) return '';
  return newest > now ? `${now}.${newest}` : String(now);
}

/** The inverse; a {@link RequestError} for a text that is no such cursor. */
export function parseMark(cursor: Cursor): Mark {
  if (cursor === '') return NOTHING;
  const [, now, newest = now] = /^(-?\d{1,17})(?:\.(-?\d{1,17}))?$/.exec(cursor) ?? [];
  const mark = { now: Number(now), newest: Number(newest) };
  if (formatMark(mark) === cursor) return mark;
  const shown = JSON.stringify(cursor.length > 40 ? `${cursor.slice(0, 40)}…` : cursor);
  throw new RequestError('after', `${shown} is no cursor of a table without an integer key; take one from an entry or a hello`);
}
