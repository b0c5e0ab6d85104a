import type { Draft, Micros } from '../contract/index.ts';

const MOST = 200_000;

/** Which rows were given, so that none is given again while it can still be found. */
export class Remembered {
  readonly #times = new Map<string, Micros>();
  /** No row of this time or before it may be looked for any more. */
  floor: Micros = Number.NEGATIVE_INFINITY;
  /** The size at which it is worth while to look for what can be forgotten. */
  #full = 2000;

  get size(): number {
    return this.#times.size;
  }

  /** False when it was there already. */
  add({ id, time }: Draft): boolean {
    if (this.#times.has(id)) return false;
    this.#times.set(id, time);
    return true;
  }

  /** Forgets rows before that time, which are looked for no more. True when it had to forget others as well. */
  forget(before: Micros): boolean {
    if (this.#times.size < this.#full) return false;
    this.#forgetBefore(before);
    const crowded = this.#times.size > MOST;
    if (crowded) {
      const times = Float64Array.from(this.#times.values()).sort();
      this.floor = times[Math.floor(times.length / 4)] as number;
      this.#forgetBefore(this.floor + 1);
    }
    this.#full = Math.min(Math.max(2000, this.#times.size * 2), MOST * 1.25);
    return crowded;
  }

  #forgetBefore(time: Micros): void {
    for (const [id, at] of this.#times) if (at < time) this.#times.delete(id);
  }
}
