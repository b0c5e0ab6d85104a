import { describe, type Micros, now, RetryableError } from '../contract/index.ts';
import { backoff, pause } from './backoff.ts';

/** Failures in a row after which a sink is taken for down. */
const TRIES = 3;
export const FIRST_WAIT = 1000;
/** A sink that recovered is noticed within this many milliseconds, unless it asked for more. */
export const LAST_WAIT = 30_000;

/** Why something waits. */
export interface Trouble {
  readonly error: string;
  /** When it began. */
  readonly since: Micros;
  /** When it is tried again; absent when that is not for the agent to decide. */
  readonly nextTry?: Micros;
}

/**
 * Whether a sink is there, as its last writes tell. Closed, every source may write. Open, one of them at a time may try, after
 * 1 s to 30 s or as the sink asked; one success closes it.
 */
export class Circuit {
  readonly #signal: AbortSignal;
  #failures = 0;
  #trouble: Trouble | undefined;
  #wait: Promise<void> = Promise.resolve();

  /** Waiting ends early when the signal aborts. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get open(): boolean {
    return this.#failures >= TRIES;
  }

  /** Of the sink's last write, when that failed. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Resolves when the sink may be tried. */
  ready(): Promise<void> {
    return this.#wait;
  }

  /** Whether this failure opened it. */
  failed(error: unknown): boolean {
    this.#failures++;
    const asked = waitAskedBy(error);
    const wait = asked ?? (this.open ? backoff(this.#failures - 1, FIRST_WAIT, LAST_WAIT) : 0);
    this.#trouble = { error: describe(error), since: this.#trouble?.since ?? now(), nextTry: now() + Math.round(wait * 1000) };
    if (wait > 0) this.#wait = pause(wait, this.#signal);
    return this.#failures === TRIES;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#trouble = undefined;
  }
}

/** Milliseconds for which the other side wants to be left alone, when it said so. */
export function waitAskedBy(error: unknown): number | undefined {
  return error instanceof RetryableError ? error.afterMs : undefined;
}
