import type { Line } from './changes-lines.ts';

/** Of each of two generations; about 20 MB together. */
const MOST = 50_000;

/**
 * Which lines were given, so that none is given twice because several batches name its time; at least the last 50,000 of them. A
 * line that was written again is another one: who reads up to a point in time leaves it out, and relies on its coming behind.
 */
export class Given {
  #new = new Set<string>();
  #old: ReadonlySet<string> = new Set();

  /** False when it was there already. */
  add({ id, written }: Pick<Line, 'id' | 'written'>): boolean {
    const key = `${id} ${written}`;
    if (this.#new.has(key) || this.#old.has(key)) return false;
    if (this.#new.size >= MOST) {
      this.#old = this.#new;
      this.#new = new Set();
    }
    this.#new.add(key);
    return true;
  }
}
