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
const MOST_TOGETHER = { batches: 200, lines: 5000 };
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

  /** Takes what is there as read, with nothing given. */
  async passOver(signal: AbortSignal): Promise<void> {
    const changes: Change[] = [];
    for await (const unread of this.#unread(Number.POSITIVE_INFINITY, signal)) {
      changes.push(...unread);
      this.#see(unread);
    }
    // A batch to come may name the time of these lines as well. Those that were written last come first, since there may be too many.
    for (const change of changes.reverse()) {
      if (this.#given.full) return;
      for await (const lines of this.#linesOf([change], signal)) for (const line of lines) this.#note(line);
    }
  }

  /** What was not read yet of batches, and was written, up to `end`, in milliseconds. */
  async *read(end: number, signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    const safe = this.#reading.now() - this.#reading.overlap;
    for await (const unread of this.#unread(end, signal)) {
      for (const changes of together(unread)) {
        this.#settle(Math.min((changes[0] as Change).ms - 1, safe));
        this.#upTo = Math.max(this.#upTo, ...changes.map(({ ms }) => ms));
        for (const group of groupsOf(changes)) yield* this.#give(group, end, signal);
        this.#see(changes);
      }
    }
    if (this.#settled - this.#told >= TOLD_MS) yield this.#batch([]);
  }

  /** Batches that were not seen, page by page; a minute that was read to its end is settled, as far as it is old enough. */
  async *#unread(end: number, signal: AbortSignal): AsyncGenerator<readonly Change[], void, void> {
    const { store, overlap, now } = this.#reading;
    const began = now();
    const last = Math.min(end, began + overlap);
    for (let minute = minuteOf(this.#settled + 1); minute <= last; minute += MINUTE_MS) {
      for await (const page of changesOf(store, minute, this.#settled, signal)) {
        const unread = page.filter(({ at, ms }) => ms <= last && !this.#seen.has(at));
        const room = MOST_SEEN - this.#seen.size;
        if (unread.length > 0) yield unread.slice(0, room);
        if (unread.length <= room) continue;
        this.#settle(Math.min((unread[room] as Change).ms - 1, began - overlap));
        return;
      }
      this.#settle(Math.min(minute + MINUTE_MS - 1, began - overlap, end));
    }
  }

  async *#give(changes: readonly Change[], end: number, signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    for await (const lines of this.#linesOf(changes, signal)) {
      const fresh = lines.filter((line) => line.written < (end + 1) * 1000 && this.#note(line));
      if (fresh.length > 0) yield this.#batch(fresh.map((line) => draftOf(line, this.#reading.host)));
    }
  }

  /** The lines of batches of one service's hour. Others lie between them, and those written before the batches began are left out. */
  async *#linesOf(changes: readonly Change[], signal: AbortSignal): AsyncGenerator<readonly Line[], void, void> {
    const [{ service, hour }] = changes as [Change];
    const shards = new Set(changes.flatMap((change) => change.shards));
    const partitions = [...shards].map((shard) => ({ service, hour, shard }));
    const from = Math.max(hour, Math.min(...changes.map(({ oldest }) => oldest)));
    const to = Math.min(hour + HOUR, Math.max(...changes.map(({ newest }) => newest)) + 1);
    const begun: Micros = Math.min(...changes.map((change) => change.begun ?? 0)) - this.#reading.overlap * 1000;
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

/** Changes that are read together, in their order. */
function* together(changes: readonly Change[]): Iterable<readonly Change[]> {
  let [begin, lines] = [0, 0];
  for (const [index, change] of changes.entries()) {
    if (index > begin && (index - begin >= MOST_TOGETHER.batches || lines + change.lines > MOST_TOGETHER.lines)) {
      yield changes.slice(begin, index);
      [begin, lines] = [index, 0];
    }
    lines += change.lines;
  }
  if (begin < changes.length) yield changes.slice(begin);
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
