import { setTimeout as sleep } from 'node:timers/promises';
import { type Batch, type Draft, type Following, type FollowRequest, type Lost, RequestError } from '../contract/index.ts';
import { Ends } from './ends.ts';
import type { TableFollow } from './follow.ts';
import { GivenUp } from './given-up.ts';
import { Holes } from './holes.ts';
import { type KeyedRow, type KeyedRows, keyedRows, PAGE } from './keyed-rows.ts';
import type { Run } from './runs.ts';

/** Keys at the end of a table whose gaps an open transaction may still fill when following begins. */
const LOOK_BACK = 2000;
/** Of `late`: how coarsely it is remembered when a hole was noticed, and how often given up ones are looked into. */
const STEPS = 20;
/** Of so much time, looking into the holes takes one part at most, however many they are. */
const LEISURE = 10;
/** Milliseconds after which the ends of a table are looked at again when no new row is a reason to. */
const LOOK_AGAIN = 5000;

/** Opens a feed of a table whose key is an integer that grows with each insert. */
export async function followByKey(options: TableFollow, { after, until }: FollowRequest, signal: AbortSignal): Promise<Following> {
  const rows = keyedRows(options.database, options.table, options.source);
  const [start, gone] =
    after === 'end' ? await theEnd(options, rows, signal) : [after === 'beginning' ? Holes.none : known(options, after[''] ?? ''), []];
  const end = until && known(options, until[''] ?? '');
  const reader = new Reader(options, rows, start);
  reader.giveUpEarly(gone);
  return { start: { '': start.format() }, lost: [], batches: end ? reader.upTo(end, signal) : reader.onwards(signal) };
}

async function theEnd(options: TableFollow, rows: KeyedRows, signal: AbortSignal): Promise<readonly [Holes, readonly Run[]]> {
  const noticed = secondOf(options);
  const keys = (await rows.newest(LOOK_BACK, signal)).toReversed();
  const [lowest] = keys;
  const begin = lowest !== undefined && keys.length === LOOK_BACK ? Holes.upTo(lowest) : Holes.none;
  return keys.reduce((holes, key) => holes.seen(key, noticed), begin).trimmed();
}

function known({ table }: TableFollow, cursor: string): Holes {
  const holes = Holes.parse(cursor);
  const greatest = table().key.range?.[1];
  if (greatest !== undefined && holes.highest !== undefined && holes.highest > greatest) {
    throw new RequestError('after', `the cursor is behind key ${holes.highest}, and ${table().name} has keys up to ${greatest} only`);
  }
  return holes;
}

/** Now in seconds since 1970, rounded up so that few different ones are in a cursor and no hole is given up early. */
function secondOf({ late, now = Date.now }: TableFollow): number {
  const step = Math.max(1, Math.floor(late / 1000 / STEPS));
  return Math.ceil(now() / 1000 / step) * step;
}

/** One reading of a table. */
class Reader {
  readonly #options: TableFollow;
  readonly #rows: KeyedRows;
  readonly #givenUp: GivenUp;
  readonly #ends: Ends;
  #holes: Holes;
  #looked: number;
  /** When the holes are to be looked into again, by a clock that nobody sets. */
  #due = 0;
  #endsLooked: number;
  #isTold = false;
  readonly #skipped = new Tally();

  constructor(options: TableFollow, rows: KeyedRows, start: Holes) {
    this.#options = options;
    this.#rows = rows;
    this.#givenUp = new GivenUp(rows, options.late);
    this.#ends = new Ends(rows);
    this.#holes = start;
    this.#looked = this.#endsLooked = this.#now();
  }

  /** Of gaps for which a cursor has no room. */
  giveUpEarly(runs: readonly Run[]): void {
    this.#givenUp.add('early', runs);
    if (runs.length === 0 || this.#isTold) return;
    this.#isTold = true;
    const { log, table } = this.#options;
    log.warn('there are more gaps in the keys than a cursor holds; rows that appear in the lowest are counted as lost', {
      table: table().name,
    });
  }

  /** What stands behind the start, and all that comes, until the signal aborts. */
  async *onwards(signal: AbortSignal): AsyncIterable<Batch> {
    const { every, late } = this.#options;
    yield* this.#turned(this.#holes.highest, signal);
    while (!signal.aborted) {
      const began = this.#now();
      if (performance.now() >= this.#due) {
        yield* this.#inHoles(signal);
        const [left, gone] = this.#holes.expired((began - late) / 1000);
        this.#holes = left;
        this.#givenUp.add('late', gone);
      }
      if (began - this.#looked >= Math.max(every, late / STEPS)) {
        this.#looked = began;
        for (const lost of await this.#givenUp.look(signal)) yield this.#batch([], [], lost);
      }
      if (began - this.#endsLooked >= Math.max(every, Math.min(LOOK_AGAIN, late / STEPS))) yield* this.#turned(this.#holes.highest, signal);
      yield* this.#above(undefined, signal);
      await this.#givenUp.settle(signal);
      await sleep(every, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Says that the table was emptied, or that its newest rows were deleted, and then goes on with what is there. */
  async *#turned(read: bigint | undefined, signal: AbortSignal): AsyncGenerator<Batch, boolean> {
    this.#endsLooked = this.#now();
    const turn = await this.#ends.look(this.#holes, read, signal);
    if (!turn) return false;
    this.#holes = turn.holes;
    this.#givenUp.backTo(turn.holes.highest);
    this.#options.log.warn(turn.reason, { table: this.#options.table().name });
    yield this.#batch([], [], { lane: '', reason: turn.reason });
    return true;
  }

  /** What stands behind the start and was seen by whoever stood at `end`. */
  async *upTo(end: Holes, signal: AbortSignal): AsyncIterable<Batch> {
    const { highest } = this.#holes;
    if (end.highest === undefined) return;
    // One reader may also be behind another.
    if (highest !== undefined && highest > end.highest && ((await this.#rows.newest(1, signal))[0] ?? 0n) < highest) {
      this.#holes = Holes.none;
      const reason = `the table was emptied, or its newest rows were deleted, after key ${highest} was read: what is there up to key ${end.highest} is read from the beginning, and rows that were had before come again by the same ids`;
      yield this.#batch([], [], { lane: '', reason });
    }
    yield* this.#inHoles(signal, end);
    yield* this.#above(end, signal);
  }

  /** Rows that appeared in the holes. Those that appear meanwhile are found the next time. */
  async *#inHoles(signal: AbortSignal, end?: Holes): AsyncIterable<Batch> {
    const began = performance.now();
    const filled = await this.#rows.filled(this.#holes.runs, signal);
    this.#due = began + LEISURE * (performance.now() - began);
    // Before they are given: in a table whose keys began anew they are no late rows.
    if (!end && filled.length > 0 && (yield* this.#turned(this.#holes.highest, signal))) return;
    for (const run of filled) {
      for await (const rows of this.#rows.within(run, signal)) yield* this.#take(rows, end);
    }
  }

  async *#above(end: Holes | undefined, signal: AbortSignal): AsyncIterable<Batch> {
    let after = this.#holes.highest;
    for (let last = PAGE; last === PAGE; ) {
      const rows = await this.#rows.above(after, end?.highest, signal);
      const read = rows.at(-1)?.key;
      if (!end && read !== undefined && (yield* this.#turned(read, signal))) {
        after = this.#holes.highest;
        last = PAGE;
        continue;
      }
      yield* this.#take(rows, end);
      after = rows.at(-1)?.key ?? after;
      last = rows.length;
    }
  }

  /** Sees the rows, but for those that whoever stood at `end` had not seen. */
  *#take(rows: readonly KeyedRow[], end: Holes | undefined): Iterable<Batch> {
    const noticed = secondOf(this.#options);
    const before = this.#holes;
    const drafts: Draft[] = [];
    const behind: Holes[] = [];
    const early: Run[] = [];
    let skipped = 0;
    for (const { key, draft } of rows) {
      if (this.#holes.covers(key) || (end && !end.covers(key))) continue;
      const [holes, gone] = this.#holes.seen(key, noticed).trimmed();
      this.#holes = holes;
      early.push(...gone);
      if (draft) behind.push(holes);
      if (draft) drafts.push(draft);
      else skipped++;
    }
    this.#tell(skipped, early);
    if (this.#holes !== before) yield this.#batch(drafts, behind);
  }

  #batch(entries: readonly Draft[], behind: readonly Holes[], lost?: Lost): Batch {
    const holes = this.#holes;
    return {
      lane: '',
      entries,
      get cursor() {
        return holes.format();
      },
      cursorAt(index) {
        const at = behind[index];
        if (!at) throw new RangeError(`no entry ${index} in a batch of ${behind.length}`);
        return at.format();
      },
      ...(lost && { lost }),
    };
  }

  #tell(skipped: number, early: readonly Run[]): void {
    const { log, table } = this.#options;
    const { name, time } = table();
    const passedOver = this.#skipped.add(skipped);
    if (passedOver)
      log.warn('rows without a time are no entries, and are passed over', { table: name, column: time.column, rows: passedOver });
    this.giveUpEarly(early);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** A number that is told when it has doubled since it was told last. */
class Tally {
  #total = 0;
  #told = 0;

  /** The total, when it is to be told. */
  add(count: number): number | undefined {
    this.#total += count;
    if (count === 0 || this.#total < this.#told * 2) return undefined;
    this.#told = this.#total;
    return this.#total;
  }
}
