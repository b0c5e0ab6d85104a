import { setImmediate as turn } from 'node:timers/promises';
import type { DataType, Draft, QueryFacet } from '../contract/index.ts';
import type { Inquiry } from './inquiry.ts';
import { type Split, split, type Wanted } from './plan.ts';
import { comparePoints } from './point.ts';
import { BrokenRule, Row } from './row.ts';
import { Top } from './top.ts';

/** Milliseconds of reading without a pause, after which the event loop gets its turn. */
const STINT = 10;

/** One source's rows of a query, in order, each of them checked; a source that fails ends early, and its inquiry says why. */
export class Stream {
  readonly inquiry: Inquiry;
  /** The next row; undefined before {@link fill}, and when there is none. */
  head: Row | undefined;
  ended = false;
  readonly #type: DataType;
  readonly #facet: QueryFacet;
  readonly #wanted: Wanted;
  readonly #rows: number;
  #open: { readonly split: Split; readonly iterator: AsyncIterator<readonly Draft[]>; yielded: number } | undefined;
  #batch: readonly Draft[] = [];
  #next = 0;
  /** Rows that were put in order, and how far they were handed out. */
  #sorted: Row[] = [];
  #handed = 0;
  /** The first row of the next time, read while the rows of one time were gathered. */
  #ahead: Row | undefined;
  #exhausted = false;
  /** What follows is not wanted any more. */
  #over = false;
  #last: Row | undefined;
  #paused = performance.now();

  /** `rows` is how many the page can use at most. */
  constructor(inquiry: Inquiry, type: DataType, facet: QueryFacet, wanted: Wanted, rows: number) {
    this.inquiry = inquiry;
    this.#type = type;
    this.#facet = facet;
    this.#wanted = wanted;
    this.#rows = rows;
  }

  /** Goes on to the next row. When it is at hand already, that takes no waiting; otherwise {@link fill} has to be called. */
  advance(): void {
    this.#last = this.head ?? this.#last;
    this.head = undefined;
    this.#guard(() => {
      if (this.#handed < this.#sorted.length) this.#show(this.#sorted[this.#handed++]);
      else if (this.#open?.split.order === 'exact') this.#show(this.#scan());
    });
  }

  /** Waits until there is a head or the stream has ended. Never rejects. */
  async fill(): Promise<void> {
    try {
      while (!this.head && !this.ended) await this.#more();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Lets go of the source, without waiting for it. */
  close(): void {
    this.ended = true;
    this.head = undefined;
    this.inquiry.stop();
    this.#release();
  }

  async #more(): Promise<void> {
    const open = this.#open ?? (await this.#start());
    if (open.split.order === 'exact') this.#show(await this.#read());
    else this.#show(await this.#gather(open.split.order));
    if (this.head) return;
    // A source that was given a limit and used it up on repeated entries has more behind them.
    const { limit } = open.split.query;
    if (limit !== undefined && open.yielded >= limit && this.#last && !this.#over) this.#release();
    else this.ended = true;
  }

  async #start() {
    const { inquiry } = this;
    const wanted = this.#last ? { ...this.#wanted, after: { time: this.#last.time, id: this.#last.id } } : this.#wanted;
    const plan = await inquiry.allowance.wait(() => split(this.#facet, wanted, this.#rows));
    const iterable = await inquiry.allowance.wait(() => ({ rows: this.#facet.run(plan.query, inquiry.run) }));
    const iterator = iterable.rows?.[Symbol.asyncIterator]?.();
    if (typeof iterator?.next !== 'function') throw new BrokenRule('run() returns an AsyncIterable of lists of entries', iterable.rows);
    this.#exhausted = false;
    this.#open = { split: plan, iterator, yielded: 0 };
    return this.#open;
  }

  /** The next row that is wanted, in the source's own order. */
  async #read(): Promise<Row | undefined> {
    for (;;) {
      const row = this.#scan();
      if (row || this.#exhausted || !this.#open) return row;
      if (performance.now() - this.#paused > STINT) await this.#pause();
      const { iterator } = this.#open;
      const result = await this.inquiry.allowance.wait(() => iterator.next());
      if (result?.done) {
        this.#exhausted = true;
        return undefined;
      }
      if (!Array.isArray(result?.value)) throw new BrokenRule('run() yields lists of entries', result?.value);
      this.#open.yielded += result.value.length;
      this.#batch = result.value;
      this.#next = 0;
    }
  }

  #scan(): Row | undefined {
    const judge = this.#open?.split.judge;
    while (judge && this.#next < this.#batch.length) {
      const row = new Row(this.#type, this.inquiry.member.name, this.#batch[this.#next++] as Draft);
      const verdict = judge(row);
      if (verdict === 'take') return row;
      if (verdict === 'end') {
        this.#over = this.#exhausted = true;
        this.#next = this.#batch.length;
      }
    }
    return undefined;
  }

  /** Sorts what has to be sorted before a first row is known: all, or the rows of one time. */
  async #gather(order: 'time' | 'none'): Promise<Row | undefined> {
    if (this.#handed < this.#sorted.length) return this.#sorted[this.#handed++];
    const top = new Top(this.#wanted.order, this.#rows);
    let row = this.#ahead ?? (await this.#read());
    const time = row?.time;
    while (row && (order === 'none' || row.time === time)) {
      top.add(row);
      row = await this.#read();
    }
    this.#ahead = row;
    this.inquiry.duplicates += top.duplicates;
    this.#sorted = top.take();
    this.#handed = 1;
    return this.#sorted[0];
  }

  #show(row: Row | undefined): void {
    if (row && this.#last && comparePoints(this.#wanted.order, row, this.#last) < 0) {
      throw new BrokenRule(
        `a plan with order: '${this.#open?.split.order}' yields entries in the order that was asked for (${this.#wanted.order} first)`,
        `${this.#last.time} ${this.#last.id}, then ${row.time} ${row.id}`,
      );
    }
    this.head = row?.check();
  }

  async #pause(): Promise<void> {
    await turn();
    this.#paused = performance.now();
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.inquiry.fail(error);
    this.close();
  }

  #release(): void {
    const iterator = this.#open?.iterator;
    this.#open = undefined;
    this.#batch = [];
    this.#next = 0;
    if (!iterator) return;
    // Asynchronous, so that neither a throw nor a source that ignores its signal reaches the answer.
    (async () => iterator.return?.())().catch((error: unknown) => this.inquiry.untidy(error));
  }
}
