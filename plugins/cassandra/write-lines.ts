import type { Log, Micros, Rejected } from '../../core/contract/index.ts';
import { StatementRefused } from './faults.ts';
import { type HourOfBatch, Inserts } from './insert.ts';
import { HOUR, type Partition, partitionOf } from './keys.ts';
import type { Pace } from './pace.ts';
import type { Stored } from './row.ts';
import { type Opened, readSchema } from './schema.ts';
import { Sending } from './sending.ts';

/** Of one statement: few enough that a batch is quick, many enough that it is worth its way. */
const MOST_LINES = 64;
const MOST_CHARACTERS = 128 * 1024;

/** A code of section 9 of the native protocol. */
const UNPREPARED = 0x2500;

export interface LineWriter {
  /** Of this agent and sink; each one touches rows of its own. */
  readonly writer: string;
  /** Seconds. */
  readonly keep: number;
  readonly consistency: number;
  readonly pace: Pace;
  /** Milliseconds that the driver waits for one answer; 5000 when it is not given. */
  readonly timeout?: number;
  readonly log: Log;
}

export interface Written {
  readonly rejected: readonly Rejected[];
  /** Lines that were too old to be written. */
  readonly expired: number;
}

interface Part {
  readonly partition: Partition;
  readonly rows: readonly Stored[];
}

/**
 * Writes lines, as often as one likes: the same line lands on the same row. Resolves when all but the rejected and the expired ones
 * are durable, and after the hours that they are in were touched and the batch was told to followers; see `tables.ts`.
 */
export async function writeLines(
  { session, store }: Opened,
  rows: readonly Stored[],
  { writer, keep, ...way }: LineWriter,
  signal: AbortSignal,
): Promise<Written> {
  const begun = Date.now();
  const inserts = new Inserts(store.keyspace, writer, keep);
  const { TimeUuid } = session.driver.types;
  // It may pass while a write waits, and 0 would be for ever.
  const left = (time: Micros) => Math.max(1, inserts.ttl(time, Date.now()));
  const alive = rows.filter(({ time }) => inserts.ttl(time, begun) > 0);
  const parts = partsOf(alive, store.shards);
  const hours = hoursOf(parts);
  const rejected: Rejected[] = [];
  const sending = new Sending({ session, ...way }, signal);
  let tables: Promise<unknown> | undefined;

  /** Rejects when it is the tables that are to be mended: then no line is to blame for what is refused. */
  function checkTables(): Promise<unknown> {
    tables ??= readSchema(session, store.keyspace, signal);
    return tables;
  }

  async function lines({ partition, rows: some }: Part): Promise<void> {
    try {
      await sending.send('lines', () => some.map((row) => inserts.line(row, partition, left(row.time))));
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error;
      await checkTables();
      const [only, ...others] = some;
      if (only && others.length === 0) rejected.push({ id: only.id, reason: error.message });
      else await sending.all(halves(some), (half) => lines({ partition, rows: half }));
    }
  }

  const touch = (hour: HourOfBatch) => sending.send('row', () => [inserts.touch(hour, TimeUuid.now(), left(hour.hour + HOUR))]);

  try {
    await sending.all(hours, touch);
    // A pointer may lead to nothing, but no line may be without its pointer.
    await sending.all(pointersOf(alive), ([request, some]) =>
      sending.send('row', () => some.map((row) => inserts.pointer(request, row, left(row.time)))),
    );
    await sending.all(parts, lines);
    await sending.all(hours, touch);
    await sending.all(hours, (hour) => sending.send('row', () => [inserts.batch(hour, TimeUuid.now(), begun)]));
  } catch (error) {
    if (error instanceof StatementRefused || isUnprepared(error)) await checkTables();
    throw error;
  } finally {
    sending.close();
  }
  return { rejected, expired: rows.length - alive.length };
}

/** The nodes have forgotten a statement, and the driver could not prepare it anew: the table may be gone, or a node as well. */
function isUnprepared(error: unknown): boolean {
  return error instanceof Error && (error.cause as { code?: unknown } | undefined)?.code === UNPREPARED;
}

/** Lines by partition, in pieces of a bounded size. */
function partsOf(rows: readonly Stored[], shards: number): Part[] {
  const open = new Map<string, { partition: Partition; rows: Stored[]; characters: number }>();
  const parts: Part[] = [];
  for (const row of rows) {
    const partition = partitionOf(row.service, row.time, row.id, shards);
    const key = `${partition.hour}/${partition.shard}/${partition.service}`;
    let part = open.get(key);
    if (!part || part.rows.length >= MOST_LINES || part.characters + row.body.length > MOST_CHARACTERS) {
      part = { partition, rows: [], characters: 0 };
      open.set(key, part);
      parts.push(part);
    }
    part.rows.push(row);
    part.characters += row.body.length;
  }
  return parts;
}

function hoursOf(parts: readonly Part[]): HourOfBatch[] {
  const hours = new Map<string, HourOfBatch>();
  for (const { partition, rows } of parts) {
    const { service, hour, shard } = partition;
    const key = `${hour}/${service}`;
    const known = hours.get(key);
    const times = rows.map(({ time }) => time);
    hours.set(key, {
      service,
      hour,
      shards: new Set([...(known?.shards ?? []), shard]),
      oldest: Math.min(known?.oldest ?? Number.POSITIVE_INFINITY, ...times),
      newest: Math.max(known?.newest ?? Number.NEGATIVE_INFINITY, ...times),
      lines: (known?.lines ?? 0) + rows.length,
      lists: (known?.lists ?? false) || rows.some(({ lists }) => lists),
    });
  }
  return [...hours.values()];
}

function pointersOf(rows: readonly Stored[]): (readonly [string, readonly Stored[]])[] {
  const requests = new Map<string, Stored[]>();
  for (const row of rows) {
    for (const request of row.requests) {
      const known = requests.get(request);
      if (known) known.push(row);
      else requests.set(request, [row]);
    }
  }
  return [...requests].flatMap(([request, all]) =>
    Array.from(
      { length: Math.ceil(all.length / MOST_LINES) },
      (_, at) => [request, all.slice(at * MOST_LINES, (at + 1) * MOST_LINES)] as const,
    ),
  );
}

function halves<T>(items: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)].filter((half) => half.length > 0);
}
