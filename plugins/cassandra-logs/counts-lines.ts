import type { Json, JsonObject, Micros } from '../../core/contract/index.ts';
import { LOGS } from '../cassandra/tables.ts';
import { atOnce } from './changes-at-once.ts';
import { dateOf } from './changes-hours.ts';
import { shardsOf } from './changes-lines.ts';
import { type LogStore, pagesOf, type Row } from './changes-store.ts';

/** What is counted of a line. */
export interface CountedLine {
  readonly time: Micros;
  /** Absent where the line has no level. */
  readonly level: Json | undefined;
  /** In seconds from now; null: never. */
  readonly expires: number | null;
}

const AT_ONCE = 4;
const PAGE = 5000;
/** With the bodies. */
const SMALL_PAGE = 500;

/** Looks at the lines of one service's hour in `[from, to)`, in no order. */
export async function eachLine(
  store: LogStore,
  { service, hour }: { readonly service: string; readonly hour: Micros },
  range: { readonly from: Micros; readonly to: Micros },
  look: (line: CountedLine) => void,
  signal: AbortSignal,
): Promise<void> {
  await atOnce(AT_ONCE, shardsOf(store, service, hour), async ({ shard }) => {
    const partition = [service, dateOf(hour), shard];
    const first = await withoutBodies(store, partition, range, look, signal);
    if (first) await withBodies(store, partition, range.from, first, look, signal);
  });
}

/** Answers the first line of a page in which the column does not tell every level; that page, and what is behind it, was not looked at. */
async function withoutBodies(
  store: LogStore,
  partition: readonly unknown[],
  { from, to }: { readonly from: Micros; readonly to: Micros },
  look: (line: CountedLine) => void,
  signal: AbortSignal,
): Promise<Row | undefined> {
  const query = `SELECT time, id, level, TTL(body) AS expires FROM ${store.store().keyspace}.${LOGS}
    WHERE service = ? AND hour = ? AND shard = ? AND time >= ? AND time < ?`;
  for await (const rows of pagesOf(store, { query, params: [...partition, BigInt(from), BigInt(to)] }, PAGE, signal)) {
    if (!rows.every(tellsLevel)) return rows[0];
    for (const row of rows) look(counted(row, row['level'] as string));
  }
  return undefined;
}

async function withBodies(
  store: LogStore,
  partition: readonly unknown[],
  from: Micros,
  first: Row,
  look: (line: CountedLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = `SELECT time, level, body, TTL(body) AS expires FROM ${store.store().keyspace}.${LOGS}
    WHERE service = ? AND hour = ? AND shard = ? AND (time) >= (?) AND (time, id) <= (?, ?)`;
  const params = [...partition, BigInt(from), first['time'], first['id']];
  for await (const rows of pagesOf(store, { query, params }, SMALL_PAGE, signal)) {
    for (const row of rows) look(counted(row, tellsLevel(row) ? (row['level'] as string) : levelOf(row['body'] as string)));
  }
}

/** The column has texts only; and in one with U+FFFD, that may stand for what is no Unicode. */
function tellsLevel(row: Row): boolean {
  const level = row['level'];
  return typeof level === 'string' && !level.includes('\ufffd');
}

function levelOf(body: string): Json | undefined {
  const parsed = JSON.parse(body) as JsonObject;
  return Object.hasOwn(parsed, 'level') ? parsed['level'] : undefined;
}

function counted(row: Row, level: Json | undefined): CountedLine {
  return { time: Number(row['time']), level, expires: row['expires'] as number | null };
}
