import { RetryableError } from '../../core/contract/index.ts';
import { isFatal, isLost } from './errors.ts';
import type { Session } from './session.ts';

const MAX_WAITING = 500;
const IDLE_MS = 60_000;
const FAREWELL_MS = 1000;

/**
 * A few sessions that take turns. One whose statement was given up on is never used again, and the server is told to end it:
 * closing a connection alone lets a statement go on there.
 */
export class Pool {
  readonly #connect: () => Promise<Session>;
  readonly #kill: (session: Session) => Promise<void>;
  readonly #limit: number;
  readonly #free: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #ending = new Set<Promise<void>>();
  #taken = 0;
  #closed = false;

  constructor(limit: number, connect: () => Promise<Session>, kill: (session: Session) => Promise<void>) {
    this.#limit = limit;
    this.#connect = connect;
    this.#kill = kill;
  }

  /** Rejects as soon as the signal aborts. Work that meets a connection which had died meanwhile is done once more, on a new one. */
  async use<T>(work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      const kept = this.#reusable();
      if (!kept) return await this.#once(undefined, work, signal);
      try {
        return await this.#once(kept, work, signal);
      } catch (error) {
        if (signal.aborted || !isLost(error)) throw error;
        return await this.#once(undefined, work, signal);
      }
    } finally {
      this.#taken--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#free.splice(0)) this.#end(farewell(session));
    await Promise.all(this.#ending);
  }

  async #once<T>(kept: Session | undefined, work: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    const session = kept ?? (await this.#opened(signal));
    const working = work(session);
    try {
      const result = await abortable(working, signal);
      this.#giveBack(session);
      return result;
    } catch (error) {
      if (signal.aborted) this.#end(this.#kill(session));
      if (signal.aborted || isFatal(error)) session.destroy();
      this.#giveBack(session);
      throw error;
    }
  }

  #giveBack(session: Session): void {
    if (!session.open) return;
    if (this.#closed) this.#end(farewell(session));
    else this.#free.push(session);
  }

  /** A connection that comes up after nobody waits for it any more is closed again. */
  async #opened(signal: AbortSignal): Promise<Session> {
    const opening = this.#connect();
    try {
      return await abortable(opening, signal);
    } catch (error) {
      if (signal.aborted)
        this.#end(
          opening.then(
            (session) => session.destroy(),
            () => undefined,
          ),
        );
      throw error;
    }
  }

  #reusable(): Session | undefined {
    for (let session = this.#free.pop(); session; session = this.#free.pop()) {
      if (session.open && session.idleFor < IDLE_MS) return session;
      if (session.open) this.#end(farewell(session));
    }
    return undefined;
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(new RetryableError('the source was stopped'));
    if (this.#taken < this.#limit) {
      this.#taken++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(
        new RetryableError(
          `${MAX_WAITING} statements wait for one of ${this.#limit} connections already; raise pool, or ask less at a time`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const next = () => {
        signal.removeEventListener('abort', given);
        this.#taken++;
        resolve();
      };
      const given = () => {
        this.#waiting.splice(this.#waiting.indexOf(next), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', given, { once: true });
      this.#waiting.push(next);
    });
  }

  #end(work: Promise<void>): void {
    const ended: Promise<void> = work.finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

/** Tells the server, but does not wait for one that does not answer. */
async function farewell(session: Session): Promise<void> {
  const timer = setTimeout(() => session.destroy(), FAREWELL_MS);
  await session.end().catch(() => session.destroy());
  clearTimeout(timer);
}

/** Rejects with the signal's reason as soon as it aborts; what `work` comes to then is nobody's concern. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const given = () => reject(signal.reason);
    signal.addEventListener('abort', given, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', given));
  });
}
