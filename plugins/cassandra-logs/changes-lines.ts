import type { Micros, Point } from '../../core/contract/index.ts';
import type { Partition } from '../cassandra/keys.ts';
import { LOGS } from '../cassandra/tables.ts';
import { atOnce } from './changes-at-once.ts';
import { dateOf } from './changes-hours.ts';
import { type LogStore, pagesOf, type Row } from './changes-store.ts';
import { compare } from './strands.ts';

/** A line that was read. */
export interface Line extends Point {
  readonly service: string;
  readonly host: string;
  readonly source: string;
  /** Empty in a row that no agent wrote. */
  readonly body: string;
  /** When it was written last, by its writer's clock. */
  readonly written: Micros;
}

/** Lines in `[from, to)`, and behind `after`. */
export interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
  readonly after?: Point | undefined;
}

/** Rows that are held at a time, over all partitions; at least {@link FEWEST} of each, at most {@link MOST}. */
const HELD = 4000;
const FEWEST = 20;
const MOST = 500;
const AT_ONCE = 16;

/** Lines of these partitions by time and id, oldest first, in lists of a few thousand at most. */
export async function* oldestFirst(
  store: LogStore,
  partitions: readonly Partition[],
  stretch: Stretch,
  signal: AbortSignal,
): AsyncGenerator<readonly Line[], void, void> {
  const size = Math.max(FEWEST, Math.min(MOST, Math.floor(HELD / Math.max(1, partitions.length))));
  let readers = partitions.map((partition) => new Reader(partition, linesOf(store, partition, stretch, size, signal)));
  while (readers.length > 0) {
    const empty = readers.filter((reader) => reader.lines.length === 0);
    await atOnce(AT_ONCE, empty, (reader) => reader.fill());
    readers = readers.filter((reader) => reader.lines.length > 0);
    const [first, ...others] = readers.map((reader) => reader.lines.at(-1) as Line);
    if (!first) return;
    // Of no partition anything is missing up to here.
    const end = others.reduce((least, line) => (compare('oldest', line, least) < 0 ? line : least), first);
    yield readers.flatMap((reader) => reader.take(end)).sort((a, b) => compare('oldest', a, b));
  }
}

class Reader {
  readonly #service: string;
  readonly #pages: AsyncGenerator<readonly Row[], void, void>;
  lines: Line[] = [];

  constructor({ service }: Partition, pages: AsyncGenerator<readonly Row[], void, void>) {
    this.#service = service;
    this.#pages = pages;
  }

  async fill(): Promise<void> {
    const { value } = await this.#pages.next();
    this.lines = (value ?? []).map((row) => lineOf(this.#service, row));
  }

  take(end: Line): readonly Line[] {
    const beyond = this.lines.findIndex((line) => compare('oldest', line, end) > 0);
    return this.lines.splice(0, beyond < 0 ? this.lines.length : beyond);
  }
}

function linesOf(store: LogStore, { service, hour, shard }: Partition, { from, to, after }: Stretch, size: number, signal: AbortSignal) {
  const begin = after && after.time >= from ? after : { time: from, id: '' };
  const query = `SELECT time, id, host, source, body, WRITETIME(body) AS written FROM ${store.store().keyspace}.${LOGS}
    WHERE service = ? AND hour = ? AND shard = ? AND (time, id) > (?, ?) AND (time) < (?) ORDER BY time ASC, id ASC`;
  const params = [service, dateOf(hour), shard, BigInt(begin.time), begin.id, BigInt(to)];
  return pagesOf(store, { query, params }, size, signal);
}

function lineOf(service: string, row: Row): Line {
  return {
    service,
    time: Number(row['time']),
    id: row['id'] as string,
    host: (row['host'] as string | null) ?? '',
    source: (row['source'] as string | null) ?? '',
    body: (row['body'] as string | null) ?? '',
    written: Number(row['written']),
  };
}

/** All partitions of a service's hour. */
export function shardsOf(store: LogStore, service: string, hour: Micros): Partition[] {
  return Array.from({ length: store.store().shards }, (_, shard) => ({ service, hour, shard }));
}
