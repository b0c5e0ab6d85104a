import type { DoraRequest, Micros } from '../contract/index.ts';

/** `[from, to)`. */
export interface Span {
  readonly from: Micros;
  readonly to: Micros;
}

/** A day, an ISO week from Monday on, or a month, in UTC. */
export interface Group {
  /** Where the whole group begins. */
  readonly begin: Micros;
  /** The part of it that lies in the window. */
  readonly span: Span;
}

const DAY_MS = 86_400_000;
/** The epoch was a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Every group that the window touches, oldest first. */
export function groupsOf(window: Span, group: DoraRequest['group']): Group[] {
  const groups: Group[] = [];
  let begin = beginOf(window.from, group);
  while (begin < window.to) {
    const end = nextOf(begin, group);
    groups.push({ begin, span: { from: Math.max(begin, window.from), to: Math.min(end, window.to) } });
    begin = end;
  }
  return groups;
}

/** The members of a list in order of time that lie in the span. */
export function within<T>(list: readonly T[], span: Span, timeOf: (one: T) => Micros): T[] {
  return list.slice(firstFrom(list, span.from, timeOf), firstFrom(list, span.to, timeOf));
}

function beginOf(time: Micros, group: DoraRequest['group']): Micros {
  const millis = Math.floor(time / 1000);
  if (group === 'month') {
    const date = new Date(millis);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) * 1000;
  }
  const [width, origin] = group === 'week' ? [7 * DAY_MS, FIRST_MONDAY_MS] : [DAY_MS, 0];
  return (Math.floor((millis - origin) / width) * width + origin) * 1000;
}

function nextOf(begin: Micros, group: DoraRequest['group']): Micros {
  if (group !== 'month') return begin + (group === 'week' ? 7 : 1) * DAY_MS * 1000;
  const date = new Date(begin / 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) * 1000;
}

function firstFrom<T>(list: readonly T[], time: Micros, timeOf: (one: T) => Micros): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(list[middle] as T) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
