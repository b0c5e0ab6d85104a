import { setMaxListeners } from 'node:events';
import { describe, type Following, type Log, type Lost, type Source } from '../contract/index.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { type Keeper, keepReading } from './keep-reading.ts';
import { Ring, type RingLimits } from './ring.ts';
import { isEntry, type Step, stepsOf, stepsOfLost } from './step.ts';

/** Who is told about a follower. */
export interface Listener {
  /** There are new steps. */
  news(): void;
  /** It opened, failed, or got another instance. */
  changed(): void;
}

/**
 * The live feed of one source, shared by all its readers. It begins at the source's end; after a failure, and when the
 * source's instance is replaced, it goes on where it stood.
 */
export class Follower {
  readonly name: string;
  readonly ring: Ring;
  readonly listeners = new Set<Listener>();
  readonly #events: AgentEmitter;
  readonly log: Log;
  #source: Source | undefined;
  #controller = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** It was opened once, so the ring's positions are known. */
  ready = false;
  /** Why nothing can be read at present. */
  error: string | undefined;

  constructor(name: string, limits: RingLimits, events: AgentEmitter, log: Log) {
    this.name = name;
    this.ring = new Ring(limits);
    this.#events = events;
    this.log = log;
  }

  /** The running instance, for reading what the ring has no more. */
  get source(): Source | undefined {
    return this.#source;
  }

  /** Aborts when the present instance is to be used no more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Reads from this instance from now on, or from none, for the given reason. */
  attach(source: Source | undefined, reason: string): void {
    const error = source ? undefined : reason;
    if (source === this.#source && (source || error === this.error)) return;
    this.#controller.abort(new Error('the instance was replaced'));
    this.#controller = new AbortController();
    setMaxListeners(0, this.#controller.signal); // Every client that catches up listens.
    this.#source = source;
    this.error = error;
    if (source) this.#running = keepReading(source, this.#keeper(source), this.#controller.signal);
    this.#tell('changed');
  }

  /** Ends reading; resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#controller.abort(new Error('nobody follows any more'));
    this.#source = undefined;
    await this.#running;
  }

  #keeper(source: Source): Keeper {
    return {
      after: () => (this.ready ? this.ring.end.at() : 'end'),
      opened: (following) => this.#opened(following),
      batch: (batch) => this.#push(stepsOf(batch, source.type, this.name)),
      failed: (error) => this.#fail(error),
      untidy: this.untidy,
    };
  }

  #opened(following: Following): void {
    const { ring } = this;
    if (!this.ready) {
      ring.start.moveTo(following.start);
      ring.end.moveTo(following.start);
    }
    this.ready = true;
    this.error = undefined;
    this.#push(stepsOfLost(following, this.name));
    this.#tell('changed');
  }

  #push(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    const lost: Lost[] = [];
    for (const step of steps) {
      this.ring.push(step);
      if (step.frame?.event === 'lost') lost.push(step.frame.lost);
    }
    const entries = steps.filter((step) => isEntry(step.frame)).length;
    if (entries > 0) this.#events.emit('feed', { source: this.name, entries });
    this.#tellLost(lost);
    this.#tell('news');
  }

  #tellLost(all: readonly Lost[]): void {
    for (const lost of all) this.#events.emit('lost', { source: this.name, lost });
    const [first] = all;
    if (first) this.log.warn('entries of a source were lost', { source: this.name, times: all.length, ...first });
  }

  #fail(error: unknown): void {
    const reason = describe(error);
    if (reason !== this.error) this.log.warn('the live feed of a source failed', { source: this.name, error: reason });
    this.error = reason;
    this.#tell('changed');
  }

  /** A source failed while it was closed, which changes nothing for a reader. */
  untidy = (error: unknown): void => {
    this.log.debug('a source failed while its feed was closed', { source: this.name, error: describe(error) });
  };

  #tell(what: keyof Listener): void {
    for (const listener of this.listeners) listener[what]();
  }
}
