import { describe, now } from '../contract/index.ts';
import type { Row } from '../query/row.ts';
import { backoff, pause } from './backoff.ts';
import { Circuit, FIRST_WAIT, LAST_WAIT, type Trouble, waitAskedBy } from './circuit.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { MOST_BYTES, MOST_ENTRIES } from './pending.ts';
import { salvage } from './salvage.ts';

/** Tries of a whole batch before it is gone about carefully. */
const WHOLE_TRIES = 3;
/** So few rows get others to compare with, however long they are. */
const FEW = 8;
/** Spreads the rows that stand in for their batch evenly, whatever its size. */
const GOLDEN = 0.618034;

export interface WriterOptions extends IntakeOptions {
  /** Aborts when nothing new is to be begun. */
  readonly soft: AbortSignal;
}

interface Attempt {
  /** What is still to be written. */
  readonly left: readonly Row[];
  /** Why, when that is not nothing. */
  readonly error?: unknown;
}

/** The way into one sink, for all sources: one write at a time, repeated until it succeeds. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #intake: Intake;
  readonly #circuit: Circuit;
  readonly #troubles = new Map<string, Trouble>();
  #line: Promise<unknown> = Promise.resolve();
  #told: string | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#intake = new Intake(options);
    this.#circuit = new Circuit(options.soft);
  }

  /** The sink is taken for down; it gets one entry at a time, until it takes one. */
  get circuitOpen(): boolean {
    return this.#circuit.open;
  }

  /** Why the batch that a source has handed over is not written yet, if that has a reason. */
  trouble(source: string): Trouble | undefined {
    const own = this.#troubles.get(source);
    const sinks = this.#circuit.open ? this.#circuit.trouble : undefined;
    if (!own || !sinks) return own ?? sinks;
    return { ...own, ...(sinks.nextTry !== undefined && { nextTry: sinks.nextTry }) };
  }

  /**
   * Resolves to true when every row is durable in the sink or in the dead-letter file, to false when writing was ended
   * before. `more` is asked for further rows when these keep failing, because only others can show which are to blame.
   */
  async deliver(source: string, rows: readonly Row[], more: () => readonly Row[]): Promise<boolean> {
    const { soft } = this.#options;
    let left = rows;
    for (let failures = 0; left.length > 0; failures++) {
      if (soft.aborted) return false;
      if (failures >= WHOLE_TRIES && wantsCompany(left)) left = [...left, ...more()];
      const attempt = await this.#inTurn(() => this.#attempt(source, left, failures));
      left = attempt.left;
      if (left.length === 0) break;
      if (soft.aborted) return false;
      await this.#failed(source, attempt.error, failures);
    }
    this.#succeeded(source);
    return true;
  }

  /** One try, when the sink may be tried. Never rejects. */
  async #attempt(source: string, rows: readonly Row[], failures: number): Promise<Attempt> {
    const { soft } = this.#options;
    await this.#circuit.ready();
    if (soft.aborted) return { left: rows, error: soft.reason };
    const carefully = this.#circuit.open || failures >= WHOLE_TRIES;
    const attempt = carefully ? await this.#carefully(source, rows, failures) : await this.#whole(source, rows);
    if (attempt.left.length < rows.length) this.#circuit.succeeded();
    if (attempt.left.length > 0 && !soft.aborted && this.#circuit.failed(attempt.error)) this.#tellOpen();
    return attempt;
  }

  async #whole(source: string, rows: readonly Row[]): Promise<Attempt> {
    try {
      await this.#intake.write(source, rows);
      return { left: [] };
    } catch (error) {
      return { left: rows, error };
    }
  }

  /**
   * One row goes first, so that a sink that is down gets no more than one; the others follow, and are taken apart when they fail
   * although that one was taken. Every time another row goes first, since the one may be the poison.
   */
  async #carefully(source: string, rows: readonly Row[], failures: number): Promise<Attempt> {
    const place = Math.floor(((Math.max(0, failures - WHOLE_TRIES) * GOLDEN) % 1) * rows.length);
    let left = rows;
    try {
      const taken = await this.#intake.write(source, rows.slice(place, place + 1));
      left = rows.toSpliced(place, 1);
      return await salvage(left, {
        good: taken[0],
        write: (part) => this.#intake.write(source, part),
        confirm: (row) => this.#intake.call([row]),
        bury: (row, reason) => this.#intake.bury(source, [{ row, reason: describe(reason) }]),
        signal: this.#options.soft,
      });
    } catch (error) {
      return { left, error };
    }
  }

  /** Waits until this batch is to be tried again. While the sink is down that is its circuit's to say. */
  async #failed(source: string, error: unknown, failures: number): Promise<void> {
    const { soft, log, sink } = this.#options;
    const waits = this.#circuit.open || waitAskedBy(error) !== undefined;
    const wait = waits ? 0 : backoff(failures, FIRST_WAIT, LAST_WAIT);
    const reason = describe(error);
    const nextTry = waits ? this.#circuit.trouble?.nextTry : now() + Math.round(wait * 1000);
    const since = this.#troubles.get(source)?.since ?? now();
    this.#troubles.set(source, { error: reason, since, ...(nextTry !== undefined && { nextTry }) });
    if (reason !== this.#told) log.warn('a sink did not take a batch; it is tried again', { sink, source, error: reason });
    this.#told = reason;
    if (wait > 0) await pause(wait, soft);
  }

  #tellOpen(): void {
    const { log, sink } = this.#options;
    log.warn('a sink is taken for down: it gets one entry at a time, until it takes one', {
      sink,
      at_the_latest_every_s: LAST_WAIT / 1000,
    });
  }

  #succeeded(source: string): void {
    this.#troubles.delete(source);
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#options.log.info('a sink takes batches again', { sink: this.#options.sink, source });
  }

  /** Sources take turns, also while the sink is down; `work` never rejects. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#line.then(work);
    this.#line = turn;
    return turn;
  }
}

/** Rows that fail get others beside them up to twice the bounds of a batch, so that they can never fill the memory. */
function wantsCompany(rows: readonly Row[]): boolean {
  if (rows.length < FEW) return true;
  return rows.length < MOST_ENTRIES && rows.reduce((sum, { json }) => sum + json.length, 0) < MOST_BYTES;
}
