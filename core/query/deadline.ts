import { CauceError } from '../contract/index.ts';

/** A source kept the core waiting for longer than it may. */
export class Overdue extends CauceError {
  constructor(limit: number) {
    super('ERR_TIMEOUT', `gave no answer within ${limit} ms of waiting for it`);
  }
}

/**
 * The clock of one request. It does not count stalls of the event loop, so that work done elsewhere in the process is not
 * charged to a source that was ready long ago. It runs until it is closed.
 */
export class Clock {
  readonly #tick: number;
  readonly #timer: NodeJS.Timeout;
  readonly #waits = new Set<() => void>();
  #counted = 0;
  #last = performance.now();

  /** `limit` in milliseconds; it is looked at ten times within it, but not more often than every 5 ms. */
  constructor(limit: number) {
    this.#tick = Math.min(100, Math.max(5, limit / 10));
    this.#timer = setInterval(() => this.#turn(), this.#tick);
  }

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#counted + Math.min(performance.now() - this.#last, 2 * this.#tick);
  }

  /** Calls `look` at every tick until the returned function is called. */
  watch(look: () => void): () => void {
    this.#waits.add(look);
    return () => this.#waits.delete(look);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waits.clear();
  }

  #turn(): void {
    this.#counted = this.now();
    this.#last = performance.now();
    for (const look of [...this.#waits]) look();
  }
}

/** How long one source may keep a request waiting, over all that it is asked for. Time in between does not count. */
export class Allowance {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  #spent = 0;

  constructor(clock: Clock, limit: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#limit = limit;
    this.#signal = signal;
  }

  /** Milliseconds waited so far. */
  get spent(): number {
    return this.#spent;
  }

  /**
   * The result of `call`; rejects with {@link Overdue} when the allowance is used up, and with the signal's reason when it
   * aborts, whether or not `call` takes notice.
   */
  wait<T>(call: () => T | PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#signal.throwIfAborted();
      if (this.#spent >= this.#limit) throw new Overdue(this.#limit);
      const began = this.#clock.now();
      const before = this.#spent;
      let open = true;
      const settle = (how: () => void) => {
        if (!open) return;
        open = false;
        this.#spent = before + this.#clock.now() - began;
        unwatch();
        this.#signal.removeEventListener('abort', aborted);
        how();
      };
      const unwatch = this.#clock.watch(() => {
        if (before + this.#clock.now() - began >= this.#limit) settle(() => reject(new Overdue(this.#limit)));
      });
      const aborted = () => settle(() => reject(this.#signal.reason));
      this.#signal.addEventListener('abort', aborted);
      new Promise<T>((started) => started(call())).then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error)),
      );
    });
  }
}
