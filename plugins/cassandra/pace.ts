import { StatementRefused } from './faults.ts';

const FIRST = 8;
const LEAST = 1;
/** Of the quickest answers lately: what takes longer than this many times as long waits in a queue of the cluster. */
const CROWDED = 4;
/**
 * Milliseconds that no answer counts as quicker than. So a queue of up to 0.2 s is let be: below that, pauses of the nodes and what
 * others do there decide how long an answer takes, and with 2 ms here a writer on busy nodes went down to one write at a time.
 */
const FLOOR = 50;
/** How much the memory of the quickest answer fades with each one. */
const FADE = 1.002;

/**
 * How many writes are under way at a time, by what the cluster answers: one more with each round of quick answers, fewer when
 * answers come late, half when one fails (additive increase, multiplicative decrease, as in TCP). Each kind of write has a pace of
 * its own, since a row is answered sooner than a batch of them.
 */
export class Pace {
  readonly #most: number;
  readonly #lanes = new Map<string, Lane>();

  constructor(most: number) {
    this.#most = most;
  }

  /** At most so many of that kind at a time. */
  limit(kind: string): number {
    return this.#lane(kind).limit;
  }

  /** Runs `work` when there is room for it; rejects with the signal's reason when that aborts before. */
  run<T>(kind: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#lane(kind).run(work, signal);
  }

  #lane(kind: string): Lane {
    const known = this.#lanes.get(kind);
    if (known) return known;
    const lane = new Lane(this.#most);
    this.#lanes.set(kind, lane);
    return lane;
  }
}

class Lane {
  readonly #most: number;
  #limit: number;
  #running = 0;
  #quickest = Number.POSITIVE_INFINITY;
  readonly #waiting: (() => void)[] = [];
  #cut = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(FIRST, most);
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    while (this.#running >= this.limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      // Whoever leaves without running hands its turn on.
      if (signal.aborted) this.#next();
      signal.throwIfAborted();
    }
    this.#running++;
    const began = performance.now();
    try {
      const result = await work();
      this.#answered(performance.now() - began);
      return result;
    } catch (error) {
      // What is refused for what it says was answered in time.
      if (!(error instanceof StatementRefused)) this.#failed(began);
      throw error;
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #next(): void {
    for (let room = this.limit - this.#running; room > 0 && this.#waiting.length > 0; room--) this.#waiting.shift()?.();
  }

  #answered(took: number): void {
    this.#quickest = Math.min(Math.max(FLOOR, took), this.#quickest * FADE);
    if (took <= this.#quickest * CROWDED) this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
    else this.#limit = Math.max(LEAST, this.#limit - 1 / this.#limit);
  }

  /** Writes that were begun before the last cut tell nothing new. */
  #failed(began: number): void {
    if (began < this.#cut) return;
    this.#cut = performance.now();
    this.#limit = Math.max(LEAST, this.#limit / 2);
  }
}
