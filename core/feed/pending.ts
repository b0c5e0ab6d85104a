import type { Row } from '../query/row.ts';
import { isEntry, type Step } from './step.ts';

export const MOST_ENTRIES = 1000;
const MOST_BYTES = 2 ** 20;

/**
 * Steps that were read and not yet taken for writing: at most 1000, and 1 MiB of JSON, or one entry that is longer. When it
 * is full, its reader waits for `room`.
 */
export class Pending {
  #steps: Step[] = [];
  #bytes = 0;
  #added: () => void = () => undefined;
  #taken: () => void = () => undefined;

  get size(): number {
    return this.#steps.length;
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
    this.#bytes += weight(step);
    this.#added();
  }

  /** All that there is; waits until there is something, or the signal aborts. */
  async take(signal: AbortSignal): Promise<readonly Step[]> {
    while (this.#steps.length === 0 && !signal.aborted) {
      await event(signal, (happened) => {
        this.#added = happened;
      });
    }
    return this.drain();
  }

  /** All that there is now. */
  drain(): readonly Step[] {
    const steps = this.#steps;
    this.#steps = [];
    this.#bytes = 0;
    this.#taken();
    return steps;
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
