import type { Batch, Cursor, Draft, Micros } from '../../core/contract/index.ts';
import { HOUR } from '../cassandra/keys.ts';
import { draftOf } from '../cassandra/row.ts';
import { type Change, changesOf, MINUTE_MS } from './changes-batches.ts';
import { type Line, oldestFirst } from './changes-lines.ts';
import type { LogStore } from './changes-store.ts';
import { formatPlace, type Mark } from './follow-cursor.ts';
import type { Given } from './follow-given.ts';

/** Batches that are remembered while they may come again. When there are more, reading waits until they are settled. */
const MOST_SEEN = 200_000;
/** Batches, and lines in them, that are read together. */
const MOST_TOGETHER = { batches: 2000, lines: 20_000 };
/** An idle follower's place moves on that often, in milliseconds, so that it does not grow old. */
const TOLD_MS = 60_000;

export interface BatchReading {
  readonly store: LogStore;
  /** Of this agent. */
  readonly host: string;
  /** Milliseconds by which a batch may become visible late, and by which clocks may differ. */
  readonly overlap: number;
  now(): number;
}

interface Unread {
  readonly changes: readonly Change[];
  /** When they were read, every batch up to there was; milliseconds since 1970. */
  readonly settled: number;
}

/** Reads the log of batches, each batch once, and the lines that they name. */
export class BatchReader {
  readonly #reading: BatchReading;
  readonly #given: Given;
  /** Those behind `settled` that were read: their times in milliseconds. */
  readonly #seen = new Map<string, number>();
  #settled: number;
  #upTo: number;
  #told: number;

  constructor(reading: BatchReading, mark: Mark, given: Given) {
    this.#reading = reading;
    this.#given = given;
    this.#settled = mark.settled;
    this.#upTo = mark.upTo;
    this.#told = mark.settled;
  }

  get mark(): Mark {
    return { settled: this.#settled, upTo: this.#upTo };
  }

  /**
   * Takes the batches that are there as read. Their lines need not be known: of a batch to come only those are given that were
   * written since it began.
   */
  async passOver(signal: AbortSignal): Promise<void> {
    for await (const { changes, settled } of this.#unread(Number.POSITIVE_INFINITY, signal)) {
      this.#see(changes);
      this.#settle(settled);
    }
  }

  /** What was not read yet of batches, and was written, up to `end`, in milliseconds. */
  async *read(end: number, signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const safe = this.#reading.now() - this.#reading.overlap;
    for await (const { changes, settled } of together(this.#unread(end, signal))) {
      const [first] = changes;
      if (first) this.#settle(Math.min(first.ms - 1, safe));
      for (const { ms } of changes) this.#upTo = Math.max(this.#upTo, ms);
      for (const group of groupsOf(changes)) yield* this.#give(group, end, signal);
      this.#see(changes);
      this.#settle(settled);
    }
    if (this.#settled - this.#told >= TOLD_MS) yield this.#batch([]);
  }

  /** Batches that were not seen, page by page; behind a minute that was read to its end it is settled, as far as it is old enough. */
  async *#unread(end: number, signal: AbortSignal): AsyncGenerator<Unread, void, void> {
    const { store, overlap, now } = this.#reading;
    const began = now();
    const last = Math.min(end, began + overlap);
    const behind = this.#settled;
    for (let minute = minuteOf(behind + 1); minute <= last; minute += MINUTE_MS) {
      for await (const page of changesOf(store, minute, behind, signal)) {
        const unread = page.filter(({ at, ms }) => ms <= last && !this.#seen.has(at));
        const room = Math.max(0, MOST_SEEN - this.#seen.size);
        const beyond = unread[room];
        const settled = beyond ? Math.min(beyond.ms - 1, began - overlap) : behind;
        if (unread.length > 0) yield { changes: unread.slice(0, room), settled };
        if (beyond) return;
      }
      yield { changes: [], settled: Math.min(minute + MINUTE_MS - 1, began - overlap, end) };
    }
  }

  async *#give(changes: readonly Change[], end: number, signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    for await (const lines of this.#linesOf(changes, signal)) {
      const fresh = lines.filter((line) => line.written < (end + 1) * 1000 && this.#note(line));
      if (fresh.length > 0) yield this.#batch(fresh.map((line) => draftOf(line, this.#reading.host)));
    }
  }

  /**
   * The lines of batches of one service's hour. Others lie between them, and those written before the batches began are left out:
   * the clock is the same writer's, and the driver's times of writing never go back.
   */
  async *#linesOf(changes: readonly Change[], signal: AbortSignal): AsyncGenerator<readonly Line[], void, void> {
    const [{ service, hour }] = changes as [Change];
    const shards = new Set(changes.flatMap((change) => change.shards));
    const partitions = [...shards].map((shard) => ({ service, hour, shard }));
    const from = Math.max(hour, Math.min(...changes.map(({ oldest }) => oldest)));
    const to = Math.min(hour + HOUR, Math.max(...changes.map(({ newest }) => newest)) + 1);
    const begun: Micros = Math.min(...changes.map((change) => change.begun ?? 0));
    for await (const lines of oldestFirst(this.#reading.store, partitions, { from, to }, signal)) {
      yield lines.filter(({ written }) => written >= begun);
    }
  }

  #note(line: Line): boolean {
    this.#upTo = Math.max(this.#upTo, Math.floor(line.written / 1000));
    return this.#given.add(line);
  }

  #see(changes: readonly Change[]): void {
    for (const { at, ms } of changes) {
      this.#seen.set(at, ms);
      this.#upTo = Math.max(this.#upTo, ms);
    }
  }

  #settle(ms: number): void {
    if (ms <= this.#settled) return;
    const forget = Math.floor(ms / MINUTE_MS) > Math.floor(this.#settled / MINUTE_MS) || this.#seen.size > MOST_SEEN / 2;
    this.#settled = ms;
    this.#upTo = Math.max(this.#upTo, ms);
    if (forget) for (const [at, time] of this.#seen) if (time <= ms) this.#seen.delete(at);
  }

  #batch(entries: readonly Draft[]): Batch {
    const cursor: Cursor = formatPlace(this.mark);
    this.#told = this.#settled;
    return { lane: '', entries, cursor, cursorAt: () => cursor };
  }
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

/** Changes that are read together, in their order, those of several minutes as well. */
async function* together(all: AsyncIterable<Unread>): AsyncGenerator<Unread, void, void> {
  let changes: Change[] = [];
  let [lines, settled] = [0, 0];
  for await (const unread of all) {
    for (const change of unread.changes) {
      if (changes.length >= MOST_TOGETHER.batches || (changes.length > 0 && lines + change.lines > MOST_TOGETHER.lines)) {
        yield { changes, settled };
        [changes, lines] = [[], 0];
      }
      changes.push(change);
      lines += change.lines;
    }
    settled = Math.max(settled, unread.settled);
  }
  yield { changes, settled };
}

/** Those of one service's hour are read at once: their lines are near to each other. */
function groupsOf(changes: readonly Change[]): Iterable<readonly Change[]> {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const key = `${change.hour} ${change.service}`;
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return groups.values();
}
