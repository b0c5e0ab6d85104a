import type { Micros } from '../../core/contract/index.ts';
import { BATCHES } from '../cassandra/tables.ts';
import { type LogStore, pagesOf, type Row } from './changes-store.ts';

/** Lines of one service's hour that were written together. */
export interface Change {
  /** A time-based UUID, and its time in milliseconds since 1970. */
  readonly at: string;
  readonly ms: number;
  readonly service: string;
  readonly hour: Micros;
  readonly shards: readonly number[];
  readonly oldest: Micros;
  readonly newest: Micros;
  readonly lines: number;
  /** None of them was written before; absent when the writer did not say. */
  readonly begun?: Micros;
}

export const MINUTE_MS = 60_000;
const PAGE = 1000;

/** What was written in the minute that begins at `minute`, behind the millisecond `after`, in the order of its times. */
export async function* changesOf(
  store: LogStore,
  minute: number,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Change[], void, void> {
  const query = `SELECT at, service, hour, shards, oldest, newest, lines, begun FROM ${store.store().keyspace}.${BATCHES}
    WHERE minute = ? AND at > maxTimeuuid(?)`;
  const params = [new Date(minute), new Date(after)];
  for await (const rows of pagesOf(store, { query, params }, PAGE, signal)) yield rows.map(changeOf);
}

function changeOf(row: Row): Change {
  const at = row['at'] as { toString(): string; getDate(): Date };
  const begun = row['begun'] as Date | null;
  return {
    at: at.toString(),
    ms: at.getDate().getTime(),
    service: row['service'] as string,
    hour: (row['hour'] as Date).getTime() * 1000,
    shards: row['shards'] as readonly number[],
    oldest: Number(row['oldest']),
    newest: Number(row['newest']),
    lines: row['lines'] as number,
    ...(begun && { begun: begun.getTime() * 1000 }),
  };
}
