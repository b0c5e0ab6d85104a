import type { Micros } from './entry.ts';

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/**
 * RFC 3339, with the leniencies of ISO 8601 that log writers use: a space for the `T`, a comma for the dot, no zone (taken
 * as UTC), a date alone. Digits below a microsecond are cut. `undefined` for anything else, impossible dates included.
 */
export function parseTimestamp(text: string): Micros | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  // 60 is a leap second; it is counted as the first of the next minute.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const offset = zoneMinutes(zone);
  if (offset === undefined) return undefined;
  const seconds = Number(hour) * 3600 + (Number(minute) - offset) * 60 + Number(second);
  return (date.getTime() + seconds * 1000) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function zoneMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** A Unix time in seconds, milliseconds, microseconds or nanoseconds, told apart by its size (years 1973 to 5138). */
export function fromUnix(value: number): Micros | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  const scale = value < 1e11 ? 1e6 : value < 1e14 ? 1e3 : value < 1e17 ? 1 : 1e-3;
  const micros = Math.round(value * scale);
  return Number.isSafeInteger(micros) ? micros : undefined;
}

const HOUR = 3_600_000_000;
/** Entries of an answer are near to each other in time, and to format a date is costly. */
let formatted = { hour: Number.NaN, text: '' };

/** RFC 3339 in UTC with six fractional digits, e.g. `2025-11-07T02:00:00.000000Z`. */
export function formatTime(time: Micros): string {
  const hour = Math.floor(time / HOUR);
  if (!(Math.abs(time) <= 8.64e18)) return String(time);
  if (hour !== formatted.hour) formatted = { hour, text: new Date((hour * HOUR) / 1000).toISOString().slice(0, -10) };
  const rest = time - hour * HOUR;
  const minute = Math.floor(rest / 60_000_000);
  const micros = rest - minute * 60_000_000;
  const second = Math.floor(micros / 1_000_000);
  return `${formatted.text}${twoDigits(minute)}:${twoDigits(second)}.${String(micros - second * 1_000_000).padStart(6, '0')}Z`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

export function now(): Micros {
  return Date.now() * 1000;
}

/** `90d`, `15m`, `1.5h`, `250ms` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : undefined;
}

/** A point in time as a person writes it: RFC 3339, Unix, `now`, or relative to it such as `-2h`. */
export function parseTime(text: string, at: Micros): Micros | undefined {
  if (text === 'now') return at;
  if (/^-?\d+(\.\d+)?$/.test(text)) return fromUnix(Number(text));
  if (text.startsWith('-')) {
    const ago = parseDuration(text.slice(1));
    return ago === undefined ? undefined : at - Math.round(ago * 1000);
  }
  return parseTimestamp(text);
}
