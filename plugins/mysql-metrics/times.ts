import type { Micros } from '../../core/contract/index.ts';

/** The least and the greatest time that a DATETIME holds, as the wall clock tells it. */
const FIRST = Date.UTC(1000, 0, 1) * 1000;
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59) * 1000 + 999_999;

/** `+02:00` in microseconds east of UTC. */
export function offsetMicros(zone: string): Micros {
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000_000;
}

/** A time as `YYYY-MM-DD HH:MM:SS.ffffff` of the wall clock at that offset; what a DATETIME cannot hold becomes the nearest that it can. */
export function storedTime(time: Micros, offset: Micros): string {
  const wall = Math.min(Math.max(Math.trunc(time + offset), FIRST), LAST);
  const millis = Math.floor(wall / 1000);
  const text = new Date(millis).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${String(wall - millis * 1000).padStart(3, '0')}`;
}

/** Reads what {@link storedTime} wrote, with fewer digits and without a time of day as well; `undefined` for zero and impossible dates. */
export function readStoredTime(text: string, offset: Micros): Micros | undefined {
  if (text.length < 10) return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const midnight = Date.UTC(year, month - 1, day);
  // A month 0 or a day 31 of February lands elsewhere; years before 100 are taken for the 20th century by Date.UTC.
  if (!(year >= 100) || !isDay(midnight, month, day)) return undefined;
  if (text.length === 10) return midnight * 1000 - offset;
  const seconds = digits(text, 11, 13) * 3600 + digits(text, 14, 16) * 60 + digits(text, 17, 19);
  const fraction = text.length > 20 ? digits(text, 20, text.length) * 10 ** (26 - text.length) : 0;
  const time = midnight * 1000 + seconds * 1_000_000 + fraction - offset;
  return Number.isNaN(time) ? undefined : time;
}

function isDay(midnight: number, month: number, day: number): boolean {
  if (month >= 1 && month <= 12 && day >= 1 && day <= 28) return true;
  const date = new Date(midnight);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index++) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}
