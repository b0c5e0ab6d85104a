import type { Query } from '../contract/index.ts';
import { comparePoints } from './point.ts';
import type { Row } from './row.ts';

/** Keeps the first `size` distinct rows of a query's order, out of any number in any order. */
export class Top {
  readonly #order: Query['order'];
  readonly #size: number;
  /** A heap with the last of the kept rows at its root. */
  readonly #heap: Row[] = [];
  readonly #ids = new Set<string>();
  /** Rows that were there already. */
  duplicates = 0;

  constructor(order: Query['order'], size: number) {
    this.#order = order;
    this.#size = size;
  }

  add(row: Row): void {
    const worst = this.#heap[0];
    const full = this.#heap.length >= this.#size;
    if (full && worst && comparePoints(this.#order, row, worst) > 0) return;
    if (this.#ids.has(row.id)) {
      this.duplicates++;
      return;
    }
    this.#ids.add(row.id);
    if (full && worst) {
      this.#ids.delete(worst.id);
      this.#heap[0] = row;
      this.#sink();
    } else {
      this.#heap.push(row);
      this.#rise();
    }
  }

  /** The rows in order; empties the collection. */
  take(): Row[] {
    this.#ids.clear();
    return this.#heap.splice(0).sort((a, b) => comparePoints(this.#order, a, b));
  }

  get size(): number {
    return this.#heap.length;
  }

  #later(a: number, b: number): boolean {
    return comparePoints(this.#order, this.#heap[a] as Row, this.#heap[b] as Row) > 0;
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b] as Row, this.#heap[a] as Row];
  }

  #rise(): void {
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#later(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#later(child, last)) last = child;
      }
      if (last === at) return;
      this.#swap(at, last);
      at = last;
    }
  }
}
