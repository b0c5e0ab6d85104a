import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, RetryableError } from '../../core/contract/index.ts';
import { StatementRefused } from './faults.ts';
import type { Pace } from './pace.ts';
import type { Session, Statement } from './session.ts';

/** Milliseconds after which a failed statement is sent again, on another node where there is one. */
const AGAIN = [100, 500, 2000];
/** Milliseconds, beyond those that the driver waits for one answer, within which some statement has to be confirmed. */
const GRACE_MS = 3000;
const USUAL_TIMEOUT_MS = 5000;

export interface Way {
  readonly session: Session;
  /** Of the driver's `types.consistencies`. */
  readonly consistency: number;
  readonly pace: Pace;
  /** Milliseconds that the driver waits for one answer; 5000 when it is not given. */
  readonly timeout?: number;
  readonly log: Log;
}

/**
 * The statements of one write. All of them end with the first that fails for good, and when none is answered for a while; what is
 * under way then is not waited for, so that a cluster which is down or hangs is told of within seconds. To be closed.
 */
export class Sending {
  readonly #way: Way;
  readonly #ending = new AbortController();
  readonly #outer: AbortSignal;
  readonly #ended: Promise<never>;
  readonly #patience: number;
  readonly #silence: NodeJS.Timeout;
  #lastFailure: unknown;

  constructor(way: Way, outer: AbortSignal) {
    this.#way = way;
    this.#outer = outer;
    const { signal } = this.#ending;
    setMaxListeners(0, signal); // Each statement that waits for its next try listens.
    this.#ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    this.#ended.catch(() => undefined); // Told by all().
    this.#patience = (way.timeout ?? USUAL_TIMEOUT_MS) + GRACE_MS;
    this.#silence = setTimeout(this.#giveUp, this.#patience);
    outer.addEventListener('abort', this.#abort);
    if (outer.aborted) this.#abort();
  }

  /** Aborts when it is over before it is done. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#outer.removeEventListener('abort', this.#abort);
  }

  /** One statement, or several of one partition, until they are durable. They are made for each try, since their time to live passes. */
  async send(kind: string, make: () => readonly Statement[]): Promise<void> {
    const { session, consistency, pace, log } = this.#way;
    const { signal } = this;
    for (let tries = 0; ; tries++) {
      try {
        await pace.run(
          kind,
          () => {
            const statements = make();
            const [first] = statements;
            // Aborts are dealt with here, so that what a node answers afterwards still counts for the pace.
            return statements.length === 1 && first
              ? session.execute(first, undefined, { consistency })
              : session.batch(statements, undefined, { consistency });
          },
          signal,
        );
        this.#silence.refresh();
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#lastFailure = error;
        const wait = AGAIN[tries];
        if (wait === undefined || error instanceof StatementRefused) throw error;
        log.debug('a write is sent again', { error: String(error) });
        await sleep(wait, undefined, { signal });
      }
    }
  }

  /** Rejects with the first failure, which ends the others as well: all of them come again. */
  async all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    try {
      await Promise.race([Promise.all(items.map(work)), this.#ended]);
    } catch (error) {
      this.#ending.abort(error);
      throw this.signal.reason;
    }
  }

  readonly #abort = () => this.#ending.abort(this.#outer.reason);

  readonly #giveUp = () => {
    const { code = 'ERR_CASSANDRA' } = (this.#lastFailure ?? {}) as { code?: string };
    const text = `Cassandra confirmed no write for ${this.#patience / 1000} s`;
    this.#ending.abort(new RetryableError(text, { cause: this.#lastFailure, code }));
  };
}
