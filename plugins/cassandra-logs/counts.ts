import { createHash } from 'node:crypto';
import { COUNTS } from '../cassandra/tables.ts';
import { dateOf, type ServiceHour } from './changes-hours.ts';
import { type LogStore, pagesOf } from './changes-store.ts';

/** Lines of one level in one minute of an hour. */
export interface Count {
  /** 0 to 59. */
  readonly minute: number;
  /** The JSON text of the group's value. */
  readonly level: string;
  readonly lines: number;
}

export interface StoredCounts {
  /** They were worked out from the hour as it is now. */
  readonly valid: boolean;
  readonly counts: readonly Count[];
}

/** An hour with more groups is counted anew each time; with a level per line, there would be as many counts as lines. */
export const MOST_COUNTS = 3000;
const LONGEST_LEVEL = 512;
/** Seconds; counts that would expire sooner are not worth to be stored. */
const SHORTEST = 60;
const PAGE = 5000;

export async function readCounts(store: LogStore, hour: ServiceHour, signal: AbortSignal): Promise<StoredCounts> {
  const query = `SELECT minute, level, lines, touched FROM ${store.store().keyspace}.${COUNTS} WHERE service = ? AND hour = ?`;
  const counts: Count[] = [];
  let touched: unknown;
  for await (const rows of pagesOf(store, { query, params: [hour.service, dateOf(hour.hour)] }, PAGE, signal)) {
    for (const row of rows) {
      touched = row['touched'];
      // An hour whose lines are all gone has only what its rows share.
      if (row['level'] === null) continue;
      counts.push({ minute: row['minute'] as number, level: row['level'] as string, lines: Number(row['lines']) });
    }
  }
  return { valid: touched === versionOf(hour), counts };
}

/**
 * Stores counts for as long as no line among them expires: `expires` is in seconds, 0 for never. What was stored before is
 * overwritten, also where nothing was counted any more.
 */
export async function storeCounts(
  store: LogStore,
  hour: ServiceHour,
  counts: readonly Count[],
  before: readonly Count[],
  expires: number,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set(counts.map(({ minute, level }) => `${minute} ${level}`));
  const gone = before.filter(({ minute, level }) => !known.has(`${minute} ${level}`)).map((count) => ({ ...count, lines: 0 }));
  const rows = [...counts, ...gone];
  if (rows.length > MOST_COUNTS || (expires !== 0 && expires < SHORTEST)) return;
  if (rows.some(({ level }) => Buffer.byteLength(level) > LONGEST_LEVEL)) return;
  const table = `${store.store().keyspace}.${COUNTS}`;
  const partition = [hour.service, dateOf(hour.hour)];
  const version = {
    query: `INSERT INTO ${table} (service, hour, touched) VALUES (?, ?, ?) USING TTL ?`,
    params: [...partition, versionOf(hour), expires],
  };
  const query = `INSERT INTO ${table} (service, hour, minute, level, lines) VALUES (?, ?, ?, ?, ?) USING TTL ?`;
  const statements = rows.map(({ minute, level, lines }) => ({ query, params: [...partition, minute, level, BigInt(lines), expires] }));
  await store.session().batch([version, ...statements], signal);
}

/** Writers touch an hour before and after they write to it, each time with another UUID. */
function versionOf({ touched }: ServiceHour): string {
  return createHash('sha256').update(touched.join('\n')).digest('base64url');
}
