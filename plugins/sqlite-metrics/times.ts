import { type Micros, parseTimestamp } from '../../core/contract/index.ts';

/** How a time is stored: as wide in every row, so that the order of the texts is that of the times. */
const STORED = /^\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}$/;
/** The same for SQLite's GLOB. */
export const STORED_GLOB = '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
/** Years 1 to 9999. */
const FIRST = -62_135_596_800_000_000;
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59) * 1000 + 999_999;

/** A time as `YYYY-MM-DD HH:MM:SS.ffffff` in UTC; one beyond years of four digits becomes the nearest of them. */
export function storedTime(time: Micros): string {
  const within = Math.min(Math.max(Math.trunc(time), FIRST), LAST);
  const millis = Math.floor(within / 1000);
  const text = new Date(millis).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${String(within - millis * 1000).padStart(3, '0')}`;
}

/** The inverse; `undefined` for whatever {@link storedTime} does not write. Rows of one day often stand together. */
export function storedTimeReader(): (text: string) => Micros | undefined {
  let day = '';
  let midnight: Micros | undefined;
  return (text) => {
    if (!STORED.test(text)) return undefined;
    if (!text.startsWith(day) || day === '') {
      day = text.slice(0, 10);
      midnight = parseTimestamp(day);
    }
    if (midnight === undefined) return undefined;
    const seconds = Number(text.slice(11, 13)) * 3600 + Number(text.slice(14, 16)) * 60 + Number(text.slice(17, 19));
    return midnight + seconds * 1_000_000 + Number(text.slice(20));
  };
}
