import { type Micros, now } from '../contract/index.ts';
import type { Row } from '../query/row.ts';
import { isEntry, type Step } from './step.ts';

/**
 * A batch holds what came while the one before it was written, up to these bounds: a slow flow is never kept waiting for others.
 * They are large enough that the way to a remote store does not limit a fast flow (into a sink that answers in 20 ms a log file went
 * at 46,000 entries a second with 1000, and at 150,000 with 5000), and small enough that one batch and what is read ahead of it are 8 Mi
 * characters for each source of a sink.
 */
export const MOST_ENTRIES = 5000;
/** Characters of JSON. */
export const MOST_BYTES = 4 * 2 ** 20;

/** The first entry of those that wait, and since when. */
export interface Oldest {
  readonly time: Micros;
  readonly since: Micros;
}

export interface Load {
  readonly steps: readonly Step[];
  readonly oldest: Oldest | undefined;
}

/**
 * Steps that were read and not yet taken for writing, within the bounds of a batch; or one entry that is longer. When it is full,
 * its reader waits for `room`.
 */
export class Pending {
  #steps: Step[] = [];
  #bytes = 0;
  #entries = 0;
  #oldest: Oldest | undefined;
  #added: () => void = () => undefined;
  #taken: () => void = () => undefined;

  get size(): number {
    return this.#steps.length;
  }

  get entries(): number {
    return this.#entries;
  }

  get oldest(): Oldest | undefined {
    return this.#oldest;
  }

  isFull(step: Step): boolean {
    return this.#steps.length >= MOST_ENTRIES || (this.#steps.length > 0 && this.#bytes + weight(step) > MOST_BYTES);
  }

  /** Waits for room for the step, or until the signal aborts. */
  async room(step: Step, signal: AbortSignal): Promise<void> {
    while (this.isFull(step) && !signal.aborted) {
      await event(signal, (happened) => {
        this.#taken = happened;
      });
    }
  }

  add(step: Step): void {
    this.#steps.push(step);
    if (isEntry(step.frame)) {
      this.#bytes += weight(step);
      this.#entries++;
      this.#oldest ??= { time: step.frame.entry.time, since: now() };
    }
    this.#added();
  }

  /** All that there is; waits until there is something, or the signal aborts. */
  async take(signal: AbortSignal): Promise<Load> {
    while (this.#steps.length === 0 && !signal.aborted) {
      await event(signal, (happened) => {
        this.#added = happened;
      });
    }
    return this.drain();
  }

  /** All that there is now. */
  drain(): Load {
    const load = { steps: this.#steps, oldest: this.#oldest };
    this.#steps = [];
    this.#bytes = this.#entries = 0;
    this.#oldest = undefined;
    this.#taken();
    return load;
  }
}

function weight({ frame }: Step): number {
  return isEntry(frame) ? frame.entry.json.length : 0;
}

function event(signal: AbortSignal, wait: (happened: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const happened = () => {
      signal.removeEventListener('abort', happened);
      resolve();
    };
    signal.addEventListener('abort', happened);
    wait(happened);
  });
}

export function rowsOf(steps: readonly Step[]): Row[] {
  return steps.flatMap(({ frame }) => (isEntry(frame) ? [frame.entry] : []));
}
