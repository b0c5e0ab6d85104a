import { type DeliveryInfo, describe, type KeyValue, type Log, type Lost, now, type Position, type Source } from '../contract/index.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { backoff, pause } from './backoff.ts';
import type { Trouble } from './circuit.ts';
import { Freight } from './freight.ts';
import { type Keeper, keepReading } from './keep-reading.ts';
import { Pending, rowsOf } from './pending.ts';
import { Place } from './position.ts';
import { linked, unlessAborted } from './reading.ts';
import { isPosition, type Step, stepsOf, stepsOfLost } from './step.ts';
import type { Writer } from './writer.ts';

/** Milliseconds within which a feed gives its first batch, if there is one. */
const FIRST_BATCH = 1000;
/** Seconds of lag up to which a delivery is current. */
const CURRENT = 5;

export interface CourierOptions {
  readonly source: string;
  readonly sink: string;
  readonly writer: Writer;
  readonly state: KeyValue;
  readonly events: AgentEmitter;
  readonly log: Log;
  /** Aborts when nothing new is to be begun. */
  readonly soft: AbortSignal;
  /** Aborts when what is under way is to end as well. */
  readonly hard: AbortSignal;
}

/**
 * Carries one source's entries to a sink: reads behind the checkpoint, writes, and moves the checkpoint when the entries are
 * durable. What was read ahead and not written is read again after a restart.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #pending = new Pending();
  #source: Source | undefined;
  #controller = new AbortController();
  #reading: Promise<void> = Promise.resolve();
  #loaded: Promise<void>;
  /** Behind what was read; undefined: nothing was, ever. */
  #read: Place | undefined;
  /** Behind what is durable. */
  #written = new Place();
  /** What is being written. */
  readonly #freight = new Freight();
  /** When the feed was opened; long ago once it has given a batch, undefined while it is not open. */
  #opened: number | undefined;
  /** Why nothing can be read. */
  #unread: Trouble | undefined;
  /** Resolves when everything that was begun has ended. */
  readonly done: Promise<void>;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#loaded = this.#load();
    this.done = this.#loaded.then(() => this.#write()).then(() => this.#reading);
  }

  /** Nothing waits, and nothing more is to come. */
  get idle(): boolean {
    return this.#source === undefined && this.#pending.size === 0 && !this.#freight.loaded;
  }

  get info(): DeliveryInfo {
    const trouble = (this.#freight.loaded ? this.#options.writer.trouble(this.#options.source) : undefined) ?? this.#unread;
    const unreadFor = this.#unread ? (now() - this.#unread.since) / 1e6 : 0;
    const lag = Math.max(unreadFor, this.#freight.lag(this.#pending.oldest));
    return {
      source: this.#options.source,
      state: trouble ? 'waiting' : this.#begins || lag > CURRENT ? 'behind' : 'current',
      lagSeconds: Math.round(lag * 1000) / 1000,
      pending: this.#pending.entries + this.#freight.entries,
      ...trouble,
    };
  }

  /** The source had no time yet to give what there is. */
  get #begins(): boolean {
    return this.#opened === undefined || performance.now() - this.#opened < FIRST_BATCH;
  }

  /** Reads from this instance from now on, or from none, for the given reason. */
  attach(source: Source | undefined, reason: string): void {
    if (!source) this.#cannotRead(reason);
    if (source === this.#source) return;
    this.#controller.abort(new Error('the instance was replaced'));
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#source = source;
    this.#opened = undefined;
    if (source) this.#reading = this.#loaded.then(() => this.#keepReading(source, signal));
  }

  #cannotRead(error: string): void {
    this.#unread = { error, since: this.#unread?.since ?? now() };
  }

  async #keepReading(source: Source, instance: AbortSignal): Promise<void> {
    const { signal, release } = linked(instance, this.#options.soft);
    await keepReading(source, this.#keeper(source, signal), signal);
    release();
  }

  #keeper(source: Source, signal: AbortSignal): Keeper {
    const { source: name, sink, log } = this.#options;
    return {
      after: () => this.#read?.at() ?? 'beginning',
      opened: (following) => {
        this.#opened = performance.now();
        this.#unread = undefined;
        this.#read ??= new Place();
        return this.#take(stepsOfLost(following, name), signal);
      },
      batch: (batch) => {
        this.#opened = Number.NEGATIVE_INFINITY;
        return this.#take(stepsOf(batch, source.type, name), signal);
      },
      failed: (error) => {
        this.#opened = undefined;
        this.#cannotRead(`the source cannot be read: ${describe(error)}`);
        log.warn('a source cannot be read for a sink', { source: name, sink, error: describe(error) });
      },
      untidy: (error) => this.#options.log.debug('a source failed while its feed was closed', { source: name, error: describe(error) }),
    };
  }

  async #take(steps: readonly Step[], signal: AbortSignal): Promise<void> {
    const lost: Lost[] = [];
    for (const step of steps) {
      if (this.#pending.isFull(step)) await this.#pending.room(step, signal);
      if (signal.aborted) break;
      // In one synchronous step, so that another instance goes on exactly behind it.
      this.#pending.add(step);
      this.#read?.move(step.lane, step.cursor);
      if (step.frame?.event === 'lost') lost.push(step.frame.lost);
    }
    this.#tellLost(lost);
  }

  #tellLost(all: readonly Lost[]): void {
    const { source, events, log, sink } = this.#options;
    for (const lost of all) events.emit('lost', { source, lost });
    const [first] = all;
    if (first) log.warn('entries of a source were lost before they were written', { source, sink, times: all.length, ...first });
  }

  async #write(): Promise<void> {
    const { soft, writer, source } = this.#options;
    while (!soft.aborted) {
      const load = await this.#pending.take(soft);
      const steps = [...load.steps];
      if (soft.aborted || steps.length === 0) return;
      const rows = rowsOf(steps);
      this.#freight.load(load.oldest, rows.length);
      const more = () => {
        const further = this.#pending.drain();
        const others = rowsOf(further.steps);
        for (const step of further.steps) steps.push(step);
        this.#freight.load(further.oldest, others.length);
        return others;
      };
      if (!(await writer.deliver(source, rows, more))) return;
      for (const step of steps) this.#written.move(step.lane, step.cursor);
      await this.#checkpoint();
      this.#freight.unload(steps);
    }
  }

  get #key(): string {
    return `checkpoint:${this.#options.source}`;
  }

  async #checkpoint(): Promise<void> {
    const { state, source, sink, log, hard } = this.#options;
    try {
      await unlessAborted(hard, () => state.set(this.#key, this.#written.at()));
    } catch (error) {
      // The next checkpoint covers this one; until then a restart would write these entries again.
      log.error('the checkpoint of a sink could not be stored', { source, sink, error: describe(error) });
    }
  }

  async #load(): Promise<void> {
    const { state, source, sink, log, soft } = this.#options;
    for (let failures = 0; !soft.aborted; failures++) {
      try {
        const stored = await unlessAborted(soft, () => state.get(this.#key));
        if (stored === undefined) return;
        if (isPosition(stored)) this.#begin(stored);
        else log.error('the checkpoint of a sink is damaged; the source is written from its beginning', { source, sink });
        return;
      } catch (error) {
        if (soft.aborted) return;
        this.#cannotRead(`the checkpoint cannot be read: ${describe(error)}`);
        log.error('the checkpoint of a sink could not be read; nothing is written before it can', { source, sink, error: describe(error) });
        await pause(backoff(failures, 1000, 60_000), soft);
      }
    }
  }

  #begin(position: Position): void {
    this.#read = new Place(position);
    this.#written = new Place(position);
  }
}
