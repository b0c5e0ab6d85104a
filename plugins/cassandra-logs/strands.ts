import type { Point, Query } from '../../core/contract/index.ts';

type Order = Query['order'];

/** Reads at most so many items behind a point (absent: from the begin), in the query's order; fewer mean that there are no more. */
export type Fetch<T> = (behind: T | undefined, most: number) => Promise<readonly T[]>;

/** The most items of one strand that are read at a time, and the fewest, since a statement has its price. */
const MOST = 1000;
const FEWEST = 8;

/** Items in the query's order, read piece by piece. */
export class Strand<T extends Point> {
  readonly #fetch: Fetch<T>;
  #items: readonly T[] = [];
  #at = 0;
  #last: T | undefined;
  ended = false;
  /** Items that were taken so far. */
  taken = 0;

  constructor(fetch: Fetch<T>) {
    this.#fetch = fetch;
  }

  /** Items at hand. */
  get held(): number {
    return this.#items.length - this.#at;
  }

  /** The last one at hand. */
  get last(): T | undefined {
    return this.held > 0 ? this.#last : undefined;
  }

  /** Takes in the next items; `most` were asked for. */
  add(items: readonly T[], most: number): void {
    this.#items = this.held > 0 ? [...this.#items.slice(this.#at), ...items] : items;
    this.#at = 0;
    this.#last = this.#items.at(-1) ?? this.#last;
    this.ended = items.length < most;
  }

  async more(most: number): Promise<void> {
    this.add(await this.#fetch(this.#last, most), most);
  }

  /** Takes what does not come behind `end`; without one, all. */
  takeTo(end: T | undefined, order: Order, into: T[]): void {
    const before = this.#at;
    for (let item = this.#items[this.#at]; item && (!end || compare(order, item, end) <= 0); item = this.#items[++this.#at])
      into.push(item);
    this.taken += this.#at - before;
  }
}

/** Several strands as one. */
export class Strands<T extends Point> {
  readonly #order: Order;
  readonly #all: readonly Strand<T>[];
  readonly #piece: (wanted: number) => number;

  /** `piece` bounds what is read of one strand at a time. */
  constructor(order: Order, all: readonly Strand<T>[], piece: (wanted: number) => number) {
    this.#order = order;
    this.#all = all;
    this.#piece = piece;
  }

  /** Everything was taken. */
  get ended(): boolean {
    return this.#all.every((strand) => strand.ended && strand.held === 0);
  }

  /** Reads what is likely to be needed for `wanted` more items, judged by how much of each strand was taken so far. */
  async fill(wanted: number): Promise<void> {
    const taken = this.#all.reduce((sum, strand) => sum + strand.taken, 0);
    const short = this.#all.flatMap((strand) => {
      if (strand.ended) return [];
      const need = ample(wanted * (taken > 0 ? strand.taken / taken : 1 / this.#all.length));
      const lacks = need - strand.held;
      return lacks > 0 || strand.held === 0
        ? [{ strand, most: this.#piece(Math.min(MOST, Math.max(lacks, Math.min(FEWEST, wanted)))) }]
        : [];
    });
    await Promise.all(short.map(({ strand, most }) => strand.more(most)));
  }

  /** The next items in order, each point once: all before which nothing can come that was not read yet. */
  take(): T[] {
    const items: T[] = [];
    const end = this.#horizon();
    if (end === 'begin') return items;
    for (const strand of this.#all) strand.takeTo(end, this.#order, items);
    items.sort((a, b) => compare(this.#order, a, b));
    return items.filter((item, index) => index === 0 || compare(this.#order, item, items[index - 1] as T) !== 0);
  }

  /** Up to where every strand was read; undefined when all are read to their ends. */
  #horizon(): T | 'begin' | undefined {
    let horizon: T | undefined;
    for (const { ended, last } of this.#all) {
      if (ended) continue;
      if (!last) return 'begin';
      if (!horizon || compare(this.#order, last, horizon) < 0) horizon = last;
    }
    return horizon;
  }
}

/** More than what is expected, so that chance makes no second statement necessary: three times the deviation of a count. */
export function ample(expected: number): number {
  return Math.ceil(expected + 3 * Math.sqrt(expected)) + 1;
}

/** By time, then by id, in the query's order. */
export function compare(order: Order, a: Point, b: Point): number {
  const sign = order === 'newest' ? -1 : 1;
  return sign * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
