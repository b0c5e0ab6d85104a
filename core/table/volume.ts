import type { Run, Volume } from '../contract/index.ts';
import type { SqlValue } from './database.ts';
import type { TableSource } from './source.ts';
import { sql } from './sql.ts';

/** Rows that are counted one by one; of a larger table, the keys tell about how many there are. */
const COUNTED = 200_000;

interface TableVolume extends Pick<TableSource, 'database' | 'table'> {
  /** Rows that are counted one by one, for tests. */
  readonly counted?: number;
}

/**
 * How many rows a table has and of what times. The newest 200,000 are counted; if there are more and the key is an integer, they
 * tell how densely keys are used, and so about how many rows there are between the lowest key and the highest.
 */
export function tableVolume({ database, table, counted = COUNTED }: TableVolume): (run: Run) => Promise<Volume> {
  return async ({ signal }) => {
    const { dialect } = database;
    const { name, time, key } = table();
    const [rows, when, which] = [name, time.column, key.column].map((part) => dialect.quote(part));
    const ask = async (text: string): Promise<readonly SqlValue[]> => (await database.read(sql(text), signal))[0] ?? [];

    const [oldest = null, newest = null] = await ask(`SELECT MIN(${when}), MAX(${when}) FROM ${rows}`);
    const times = { ...bound('oldest', dialect.readTime(oldest)), ...bound('newest', dialect.readTime(newest)) };
    if (key.kind !== 'integer') {
      const [entries] = await ask(`SELECT COUNT(${when}) FROM ${rows}`);
      return { entries: Number(entries), ...times };
    }
    const sample = `(SELECT ${which} AS k, ${when} AS t FROM ${rows} ORDER BY ${which} DESC LIMIT ${counted + 1}) AS sample`;
    const [all, timed, low, high] = (await ask(`SELECT COUNT(*), COUNT(t), MIN(k), MAX(k) FROM ${sample}`)).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    if (all <= counted) return { entries: timed, ...times };
    const [lowest] = (await ask(`SELECT MIN(${which}) FROM ${rows}`)).map(Number) as [number];
    const entries = Math.round((timed * (high - lowest + 1)) / (high - low + 1));
    return { entries, estimated: true, ...times };
  };
}

function bound<K extends 'oldest' | 'newest'>(name: K, time: number | undefined): { readonly [P in K]?: number } {
  return time === undefined ? {} : ({ [name]: time } as { readonly [P in K]: number });
}
