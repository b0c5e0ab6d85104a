import { setTimeout as sleep } from 'node:timers/promises';
import { type Batch, batchOf, type Draft, type Following, type FollowRequest, type Micros, type Step } from '../contract/index.ts';
import type { SqlValue } from './database.ts';
import type { TableFollow } from './follow.ts';
import { formatMark, type Mark, NOTHING, parseMark, seenBy } from './mark.ts';
import { Remembered } from './remembered.ts';
import { rowReader } from './rows.ts';

const PAGE = 1000;
/** One poll of so many looks back as far as `late`; the others look back for {@link GLANCE}. */
const THOROUGH = 20;
const GLANCE = 5_000_000;

/** Opens a feed of a table without an integer key: it is asked for what is not older than `late` behind its newest row. */
export async function followByTime(options: TableFollow, { after, until }: FollowRequest, signal: AbortSignal): Promise<Following> {
  const start = after === 'end' || after === 'beginning' ? NOTHING : parseMark(after[''] ?? '');
  const end = until && parseMark(until[''] ?? '');
  const reader = new Reader(options, start);
  if (after === 'end') await reader.passOver(signal);
  return { start: { '': formatMark(reader.mark) }, lost: [], batches: end ? reader.upTo(end, signal) : reader.onwards(signal) };
}

interface TimedRow {
  readonly draft: Draft | undefined;
  readonly time: SqlValue;
  readonly key: SqlValue;
}

class Reader {
  readonly #options: TableFollow;
  readonly #given = new Remembered();
  mark: Mark;

  constructor(options: TableFollow, start: Mark) {
    this.#options = options;
    this.mark = start;
  }

  /** What is there already is no news. */
  async passOver(signal: AbortSignal): Promise<void> {
    const newest = await this.#newest(signal);
    if (newest !== undefined) this.mark = seenBy(NOTHING, newest, this.#now());
    for await (const rows of this.#since(this.#options.late * 1000, signal)) this.#see(rows);
  }

  async *onwards(signal: AbortSignal): AsyncIterable<Batch> {
    const late = this.#options.late * 1000;
    for (let polls = 0; !signal.aborted; polls++) {
      const back = polls % THOROUGH === 0 ? late : Math.min(late, GLANCE);
      for await (const rows of this.#since(back, signal)) yield* this.#take(rows);
      await sleep(this.#options.every, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What stands behind the start and not behind `end`. */
  async *upTo(end: Mark, signal: AbortSignal): AsyncIterable<Batch> {
    for await (const rows of this.#since(this.#options.late * 1000, signal)) {
      yield* this.#take(rows.filter(({ draft }) => draft && draft.time <= end.newest));
    }
  }

  /** Rows from so many microseconds before the mark on, by time. */
  async *#since(back: Micros, signal: AbortSignal): AsyncIterable<readonly TimedRow[]> {
    const { database, table, source } = this.#options;
    const { dialect } = database;
    const { name, time, key } = table();
    const [rows, at, id] = [name, time.column, key.column].map((part) => dialect.quote(part));
    const reader = rowReader(dialect, table(), source);
    const from = Math.max(this.mark.now - back, this.#given.floor + 1);
    let where = Number.isFinite(from) ? `${at} >= ?` : `${at} IS NOT NULL`;
    let values: readonly SqlValue[] = Number.isFinite(from) ? [dialect.timeValue(from)] : [];
    for (let last = PAGE; last === PAGE; ) {
      const text = `SELECT ${reader.select} FROM ${rows} WHERE ${where} ORDER BY ${at}, ${id} LIMIT ${PAGE}`;
      const page = (await database.read({ text, values }, signal)).map(
        (row): TimedRow => ({ draft: reader.toDraft(row), time: reader.timeOf(row), key: reader.keyOf(row) }),
      );
      if (page.length > 0) yield page;
      const end = page.at(-1);
      where = `${at} >= ? AND (${at} > ? OR ${id} > ?)`;
      values = end ? [end.time, end.time, end.key] : [];
      last = page.length;
    }
  }

  *#take(rows: readonly TimedRow[]): Iterable<Batch> {
    const steps = this.#see(rows);
    if (steps.length > 0) yield batchOf('', steps);
  }

  /** Those of the rows that were not given before, which from now on they are. */
  #see(rows: readonly TimedRow[]): readonly Step[] {
    const now = this.#now();
    const steps: Step[] = [];
    for (const { draft } of rows) {
      if (!draft || !this.#given.add(draft)) continue;
      this.mark = seenBy(this.mark, draft.time, now);
      steps.push({ entry: draft, cursor: formatMark(this.mark) });
    }
    if (this.#given.forget(this.mark.now - this.#options.late * 1000)) {
      const fields = { table: this.#options.table().name, rows: this.#given.size };
      this.#options.log.warn('there are too many rows within late to remember them all; less far is looked back', fields);
    }
    return steps;
  }

  async #newest(signal: AbortSignal): Promise<Micros | undefined> {
    const { database, table } = this.#options;
    const { quote, readTime } = database.dialect;
    const text = `SELECT MAX(${quote(table().time.column)}) FROM ${quote(table().name)}`;
    const [row] = await database.read({ text, values: [] }, signal);
    return readTime(row?.[0] ?? null);
  }

  #now(): Micros {
    return (this.#options.now ?? Date.now)() * 1000;
  }
}
