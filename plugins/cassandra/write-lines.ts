import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, PermanentError, type Rejected } from '../../core/contract/index.ts';
import { StatementRefused } from './faults.ts';
import { type HourOfBatch, Inserts, routingKey } from './insert.ts';
import { HOUR, type Partition, partitionOf } from './keys.ts';
import type { Pace } from './pace.ts';
import type { Stored } from './row.ts';
import type { Opened } from './schema.ts';
import type { Statement } from './session.ts';

/** Of one statement: few enough that a batch is quick, many enough that it is worth its way. */
const MOST_LINES = 64;
const MOST_CHARACTERS = 128 * 1024;
/** Milliseconds after which a failed statement is sent again, on another node where there is one. */
const AGAIN = [100, 500, 2000];

export interface LineWriter {
  /** Of this agent and sink; each one touches rows of its own. */
  readonly writer: string;
  /** Seconds. */
  readonly keep: number;
  readonly consistency: number;
  readonly pace: Pace;
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
  { writer, keep, consistency, pace, log }: LineWriter,
  signal: AbortSignal,
): Promise<Written> {
  const begun = Date.now();
  const inserts = new Inserts(store.keyspace, writer, keep);
  const { TimeUuid } = session.driver.types;
  const alive = rows.filter(({ time }) => inserts.ttl(time, begun) > 0);
  const rejected: Rejected[] = [];
  const parts = partsOf(alive, store.shards);
  const hours = hoursOf(parts);
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);

  /** One statement, or several of one partition, until it is durable. */
  async function send(statements: readonly Statement[], routing?: Partition): Promise<void> {
    for (let tries = 0; ; tries++) {
      either.throwIfAborted();
      try {
        const options = { consistency, ...(routing && { routingKey: routingKey(routing), keyspace: store.keyspace }) };
        const [first] = statements;
        if (statements.length === 1 && first) await pace.run(() => session.execute(first, either, options));
        else await pace.run(() => session.batch(statements, either, options));
        return;
      } catch (error) {
        const wait = AGAIN[tries];
        if (wait === undefined || either.aborted || error instanceof StatementRefused || error instanceof PermanentError) throw error;
        log.debug('a write is sent again', { error: String(error) });
        await sleep(wait, undefined, { signal: either });
      }
    }
  }

  /** The first failure ends the others: all of them come again. */
  async function all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(
      items.map(async (item) => {
        try {
          await work(item);
        } catch (error) {
          failing.abort(error);
          throw error;
        }
      }),
    );
    if (results.some(({ status }) => status === 'rejected')) throw signal.aborted ? signal.reason : failing.signal.reason;
  }

  async function lines({ partition, rows: some }: Part): Promise<void> {
    try {
      await send(
        some.map((row) => inserts.line(row, partition, Math.max(1, inserts.ttl(row.time, Date.now())))),
        partition,
      );
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error;
      const [only, ...others] = some;
      if (only && others.length === 0) rejected.push({ id: only.id, reason: error.message });
      else await all(halves(some), (half) => lines({ partition, rows: half }));
    }
  }

  const touch = (hour: HourOfBatch) => send([inserts.touch(hour, TimeUuid.now(), Math.max(1, inserts.ttl(hour.hour + HOUR, Date.now())))]);

  await all(hours, touch);
  // A pointer may lead to nothing, but no line may be without its pointer.
  await all(pointersOf(alive), ([request, some]) =>
    send(some.map((row) => inserts.pointer(request, row, Math.max(1, inserts.ttl(row.time, Date.now()))))),
  );
  await all(parts, lines);
  await all(hours, touch);
  await all(hours, (hour) => send([inserts.batch(hour, TimeUuid.now(), begun)]));
  return { rejected, expired: rows.length - alive.length };
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
