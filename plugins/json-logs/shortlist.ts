import type { Point, Query } from '../../core/contract/index.ts';

/** Negative when `a` comes before `b` in the order that was asked for. */
export type Compare = (a: Point, b: Point) => number;

export function ordering(order: Query['order']): Compare {
  const sign = order === 'newest' ? -1 : 1;
  return (a, b) => sign * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/**
 * Entries that wait for their turn, a binary heap with a bound. When it is exceeded, the worse half is let go, and nothing
 * behind the best of those is taken any more: `horizon` says how far what is here is complete.
 */
export class Shortlist<T extends Point & { readonly json: string }> {
  readonly #compare: Compare;
  readonly #maxCount: number;
  readonly #maxChars: number;
  #heap: T[] = [];
  #chars = 0;
  horizon: T | undefined;

  constructor(compare: Compare, bound: { readonly count: number; readonly chars: number }) {
    this.#compare = compare;
    this.#maxCount = bound.count;
    this.#maxChars = bound.chars;
  }

  get first(): T | undefined {
    return this.#heap[0];
  }

  push(entry: T): void {
    if (this.horizon && this.#compare(entry, this.horizon) >= 0) return;
    this.#chars += entry.json.length;
    this.#rise(entry);
    if (this.#heap.length > this.#maxCount || (this.#chars > this.#maxChars && this.#heap.length > 1)) this.#halve();
  }

  pop(): T | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (!first || !last) return undefined;
    this.#chars -= first.json.length;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #halve(): void {
    const sorted = this.#heap.sort(this.#compare);
    const keep = Math.max(1, Math.floor(sorted.length / 2));
    this.horizon = sorted[keep] as T;
    this.#heap = sorted.slice(0, keep);
    this.#chars = this.#heap.reduce((sum, entry) => sum + entry.json.length, 0);
  }

  #rise(entry: T): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(entry, heap[parent] as T) >= 0) break;
      heap[at] = heap[parent] as T;
      at = parent;
    }
    heap[at] = entry;
  }

  #sink(entry: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#compare(heap[child + 1] as T, heap[child] as T) < 0) child++;
      if (this.#compare(heap[child] as T, entry) >= 0) break;
      heap[at] = heap[child] as T;
      at = child;
    }
    heap[at] = entry;
  }
}
