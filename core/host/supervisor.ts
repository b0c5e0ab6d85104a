import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, describe, type InstanceInfo, type Log, PermanentError, RetryableError } from '../contract/index.ts';
import { withDeadline } from './deadline.ts';
import { within } from './trace.ts';

/** What a supervisor looks after: a source or a sink. */
export interface Supervisable {
  start?(signal: AbortSignal): Promise<void>;
  stop?(): Promise<void>;
}

export interface SupervisorOptions<T extends Supervisable> {
  readonly kind: InstanceInfo['kind'];
  readonly name: string;
  readonly use: string;
  readonly log: Log;
  readonly startDeadline: number;
  readonly stopDeadline: number;
  create(signal: AbortSignal): T;
  /** Called after each change of state; `instance` is there while it runs. */
  changed(info: InstanceInfo, instance: T | undefined): void;
  /** Work that belongs to a running instance; it ends by its signal, and its failure fails the instance. */
  attend?(instance: T, signal: AbortSignal): Promise<void>;
}

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
/** An instance that ran this long is well again: its next failure waits the first delay. */
const WELL_AFTER_MS = 60_000;

/** Runs one configured plugin for as long as it is configured; every restart is a new instance. */
export class Supervisor<T extends Supervisable> {
  readonly #options: SupervisorOptions<T>;
  readonly #ended = new AbortController();
  #state: InstanceInfo['state'] = 'starting';
  #restarts = 0;
  #error: string | undefined;
  #fail: ((error: unknown) => void) | undefined;
  #loop: Promise<void> | undefined;
  #attempted: (() => void) | undefined;

  constructor(options: SupervisorOptions<T>) {
    this.#options = options;
  }

  get info(): InstanceInfo {
    const { kind, name, use } = this.#options;
    return { kind, name, use, state: this.#state, restarts: this.#restarts, ...(this.#error !== undefined && { error: this.#error }) };
  }

  /** Resolves when the first attempt to start has succeeded or failed. */
  start(): Promise<void> {
    const attempted = new Promise<void>((resolve) => {
      this.#attempted = resolve;
    });
    this.#loop = this.#run();
    return attempted;
  }

  /** The running instance left an error behind that nobody caught. */
  fail(error: unknown): void {
    this.#fail?.(error);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
    this.#set('stopped', undefined, undefined);
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#ended.signal.aborted) {
      const began = Date.now();
      const { error } = await this.#live();
      if (this.#ended.signal.aborted) break;
      failures = Date.now() - began > WELL_AFTER_MS ? 1 : failures + 1;
      const permanent = error instanceof PermanentError || error instanceof ConfigError;
      const delay = permanent ? undefined : backoff(failures, error);
      this.#report(error, delay);
      this.#attempted?.();
      if (delay === undefined) return;
      await sleep(delay, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      this.#restarts++;
    }
    this.#attempted?.();
  }

  /** One instance from `create` to its end; resolves to what ended it, wrapped, as it may be anything, also a thenable. */
  async #live(): Promise<{ error?: unknown }> {
    const { name, startDeadline, attend } = this.#options;
    const controller = new AbortController();
    const { signal } = controller;
    // Listeners of the signal are the plugin's code as well.
    const stopping = () => within(name, () => controller.abort());
    this.#ended.signal.addEventListener('abort', stopping, { once: true });
    this.#set('starting', undefined, undefined);
    let instance: T | undefined;
    let attending: Promise<unknown> | undefined;
    try {
      const created = within(name, () => this.#options.create(signal));
      instance = created;
      await withDeadline(
        startDeadline,
        `starting ${name}`,
        within(name, () => Promise.race([created.start?.(signal), aborted(signal)])),
      );
      if (signal.aborted) return {};
      const failed = new Promise<never>((_, reject) => {
        this.#fail = reject;
      });
      this.#set('running', undefined, created);
      this.#attempted?.();
      attending = within(name, async () => attend?.(created, signal));
      await Promise.race([attending.then(() => aborted(signal)), failed]);
      return {};
    } catch (error) {
      return { error };
    } finally {
      this.#fail = undefined;
      this.#ended.signal.removeEventListener('abort', stopping);
      stopping();
      await this.#end(instance, attending);
    }
  }

  async #end(instance: T | undefined, attending: Promise<unknown> | undefined): Promise<void> {
    if (!instance) return;
    const { name, stopDeadline, log } = this.#options;
    const stopped = (async () => {
      await attending?.catch(() => undefined);
      await within(name, async () => instance.stop?.());
    })();
    await withDeadline(stopDeadline, `stopping ${name}`, stopped).catch((error: unknown) => {
      log.warn('did not stop cleanly', { instance: name, error: describe(error) });
    });
  }

  #report(error: unknown, delay: number | undefined): void {
    const { name, kind, use, log } = this.#options;
    const text = describe(error);
    this.#set(delay === undefined ? 'failed' : 'waiting', text, undefined);
    const fields = { [kind]: name, use, error: text };
    if (delay === undefined) log.error('cannot work until its configuration is mended', fields);
    else log.warn('failed; a new instance follows', { ...fields, retry_in_seconds: Math.round(delay / 100) / 10 });
  }

  #set(state: InstanceInfo['state'], error: string | undefined, instance: T | undefined): void {
    this.#state = state;
    this.#error = error ?? (state === 'starting' ? this.#error : undefined);
    this.#options.changed(this.info, instance);
  }
}

/** 1 s, doubling up to 60 s, half of it at random so that many do not return together; or what the error asks for. */
function backoff(failures: number, error: unknown): number {
  if (error instanceof RetryableError && error.afterMs !== undefined) return Math.min(error.afterMs, LONGEST_DELAY_MS);
  const full = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS);
  return full / 2 + (Math.random() * full) / 2;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
