import { now } from '../contract/index.ts';
import type { Oldest } from './pending.ts';
import { isEntry, type Step } from './step.ts';

/** Microseconds for which the last entry that was written tells how far a flow is behind. */
const FRESH = 1e6;

/** What a courier is writing at present, and how old that is. */
export class Freight {
  #oldest: Oldest | undefined;
  #last: { readonly age: number; readonly at: number } | undefined;
  loaded = false;
  entries = 0;

  load(oldest: Oldest | undefined, entries: number): void {
    this.#oldest ??= oldest;
    this.loaded = true;
    this.entries += entries;
  }

  /** All of it is durable. */
  unload(steps: readonly Step[]): void {
    const last = steps.findLast(({ frame }) => isEntry(frame))?.frame;
    if (isEntry(last)) this.#last = { age: now() - last.entry.time, at: now() };
    this.#oldest = undefined;
    this.loaded = false;
    this.entries = 0;
  }

  /**
   * Seconds: the age of the oldest entry that is not durable, `waiting` being the oldest behind this load; at least the time that it
   * has waited, as clocks differ. When none waits, the age that the last one had; after a second of quiet, 0.
   */
  lag(waiting: Oldest | undefined): number {
    const oldest = this.#oldest ?? waiting;
    if (oldest) return Math.max(0, now() - oldest.time, now() - oldest.since) / 1e6;
    return this.#last && now() - this.#last.at < FRESH ? Math.max(0, this.#last.age) / 1e6 : 0;
  }
}
