import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type Log, PermanentError, RetryableError } from '../../core/contract/index.ts';
import type { Opened } from './schema.ts';

/** Milliseconds between two tries to open the store: the first, and the longest. */
const AGAIN = { first: 500, last: 10_000 };
/**
 * Milliseconds that a start waits for the first try; most take less than one second. It ends before the host goes on without sources
 * that are starting, so that whoever asks then is told what is waited for.
 */
const PATIENCE = 2000;

/**
 * Opens a store, and tries again until it is open, so that an agent which starts while the cluster is down finds it by itself.
 * Once it is open, the driver keeps it so.
 */
export class StoreKeeper {
  readonly #open: (signal: AbortSignal) => Promise<Opened>;
  readonly #log: Log;
  readonly #ending = new AbortController();
  #opened: Opened | undefined;
  #error: unknown;

  constructor(hosts: readonly string[], open: (signal: AbortSignal) => Promise<Opened>, log: Log) {
    this.#open = open;
    this.#log = log;
    const text = `it is being connected to Cassandra, and no node has answered yet at ${hosts.join(', ')}; see whether one hangs`;
    this.#error = new RetryableError(text, { code: 'ERR_CASSANDRA' });
  }

  /** Resolves when the first try has ended, however it did, or is taking long. */
  async start(signal: AbortSignal): Promise<void> {
    const tried = new Promise<void>((resolve) => void this.#keepTrying(resolve));
    await Promise.race([tried, sleep(PATIENCE, undefined, { signal, ref: false }).catch(() => undefined)]);
    signal.throwIfAborted();
  }

  get opened(): Opened | undefined {
    return this.#opened;
  }

  /** The open store; throws why it is not open. */
  now(): Opened {
    if (this.#opened) return this.#opened;
    throw this.#error;
  }

  /** A try that is under way is not waited for, since a host that hangs is long in coming; what it opens is closed again. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the instance is being stopped'));
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.session.close();
  }

  async #keepTrying(tried: () => void): Promise<void> {
    const { signal } = this.#ending;
    let told: string | undefined;
    for (let wait = AGAIN.first; !signal.aborted; wait = Math.min(wait * 2, AGAIN.last)) {
      try {
        const opened = await this.#open(signal);
        if (signal.aborted) {
          await opened.session.close();
          break;
        }
        this.#opened = opened;
        if (told !== undefined) this.#log.info('connected to Cassandra');
        break;
      } catch (error) {
        if (signal.aborted) break;
        this.#error = error;
        const text = describe(error);
        const tell = error instanceof PermanentError ? this.#log.error : this.#log.warn;
        if (text !== told) tell('Cassandra cannot be used yet; it is tried again', { error: text });
        told = text;
        tried();
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
    tried();
  }
}
