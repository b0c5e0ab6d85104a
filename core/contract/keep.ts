import type { Micros } from './entry.ts';
import { duration } from './options.ts';
import { now } from './time.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const UNITS = [
  ['day', DAY_MS],
  ['hour', HOUR_MS],
  ['minute', 60_000],
  ['second', 1000],
] as const;
const SIZES = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

/** An option such as `90d`: how long entries are kept, in milliseconds. Not less than the hour that {@link cutOff} rounds to. */
export function keepFor() {
  return duration().refine((ms) => ms >= HOUR_MS, { error: 'expected at least 1h, since whole hours are deleted' });
}

/**
 * What is older than this has been kept for `keep` milliseconds. It is rounded down to the day (to the hour, of a `keep` that is
 * shorter than a day), so that a dry run and the run after it mean the same.
 */
export function cutOff(keep: number, at: Micros = now()): Micros {
  const step = (keep < DAY_MS ? HOUR_MS : DAY_MS) * 1000;
  return Math.floor((at - keep * 1000) / step) * step;
}

/** Milliseconds for a person: `30 days`, `1 hour`, `1.5 seconds`. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ??
    UNITS.find(([, size]) => ms >= size) ?? ['millisecond', 1];
  const count = Math.round((ms / size) * 10) / 10;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Bytes for a person: `100 MiB`, `12 B`. */
export function sizeText(bytes: number): string {
  const [unit, size] = SIZES.find(([, size]) => bytes >= size) ?? ['B', 1];
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`;
}
