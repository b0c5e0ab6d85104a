const FIRST = 8;
const LEAST = 1;
/** Of the quickest answers lately: what takes longer than this many times as long waits in a queue of the cluster. */
const CROWDED = 4;
/** Milliseconds that no answer counts as quicker than: below it, noise decides. */
const FLOOR = 2;
/** How much the memory of the quickest answer fades with each one. */
const FADE = 1.002;

/**
 * How many writes are under way at a time, by what the cluster answers: one more with each round of quick answers, fewer when
 * answers come late, half when one fails (additive increase, multiplicative decrease, as in TCP).
 */
export class Pace {
  readonly #most: number;
  #limit = FIRST;
  #running = 0;
  #quickest = Number.POSITIVE_INFINITY;
  readonly #waiting: (() => void)[] = [];
  #halved = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(FIRST, most);
  }

  /** At most so many at a time. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Runs `work` when there is room for it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    const began = performance.now();
    try {
      const result = await work();
      this.#answered(performance.now() - began);
      return result;
    } catch (error) {
      this.#failed(began);
      throw error;
    } finally {
      this.#running--;
      for (let room = this.limit - this.#running; room > 0 && this.#waiting.length > 0; room--) this.#waiting.shift()?.();
    }
  }

  #answered(took: number): void {
    this.#quickest = Math.min(Math.max(FLOOR, took), this.#quickest * FADE);
    if (took <= this.#quickest * CROWDED) this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
    else this.#limit = Math.max(LEAST, this.#limit - 1 / this.#limit);
  }

  /** Writes that were begun before the last cut tell nothing new. */
  #failed(began: number): void {
    if (began < this.#halved) return;
    this.#halved = performance.now();
    this.#limit = Math.max(LEAST, this.#limit / 2);
  }
}
