import { describe, type Log, PermanentError, type Rejected, RetryableError, type Sink } from '../contract/index.ts';
import type { Row } from '../query/row.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { backoff, pause } from './backoff.ts';
import { bury, type DeadLetter } from './dead-letter.ts';
import { MOST_ENTRIES } from './pending.ts';
import { unlessAborted } from './reading.ts';
import { salvage } from './salvage.ts';

const FIRST_RETRY = 1000;
const LAST_RETRY = 60_000;
/** Tries of a whole batch before it is taken apart. */
const WHOLE_TRIES = 3;

export interface WriterOptions {
  readonly sink: string;
  readonly write: NonNullable<Sink['write']>;
  /** Path of the file for entries that the sink does not take. */
  readonly deadLetter: string;
  readonly events: AgentEmitter;
  readonly log: Log;
  /** Aborts when nothing new is to be begun. */
  readonly soft: AbortSignal;
  /** Aborts when the write in flight is to end as well. */
  readonly hard: AbortSignal;
}

/** The way into one sink, for all sources: one write at a time, repeated until it succeeds. */
export class Writer {
  readonly #options: WriterOptions;
  #line: Promise<unknown> = Promise.resolve();
  #failing: string | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
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
      if (failures >= WHOLE_TRIES && left.length < MOST_ENTRIES) left = [...left, ...more()];
      let error: unknown;
      [left, error] = await this.#inTurn(() => this.#attempt(source, left, failures));
      if (left.length === 0) break;
      if (soft.aborted) return false;
      this.#tell(source, error);
      const asked = error instanceof RetryableError ? error.afterMs : undefined;
      await pause(asked ?? backoff(failures, FIRST_RETRY, LAST_RETRY), soft);
    }
    this.#recovered(source);
    return true;
  }

  /** One try; what is left of the rows, and why. */
  async #attempt(source: string, rows: readonly Row[], failures: number): Promise<[readonly Row[], unknown]> {
    const { soft } = this.#options;
    if (soft.aborted) return [rows, soft.reason];
    try {
      await this.#write(source, rows);
      return [[], undefined];
    } catch (error) {
      if (error instanceof PermanentError || soft.aborted || rows.length === 1 || failures + 1 < WHOLE_TRIES) return [rows, error];
    }
    try {
      const rounds = Math.min(failures + 1 - WHOLE_TRIES, 6);
      const { left, error } = await salvage(rows, {
        write: (part) => this.#write(source, part),
        confirm: (row) => this.#call([row]),
        bury: (row, reason) => this.#bury(source, [{ row, reason: describe(reason) }]),
        patience: (16 + 2 * Math.ceil(Math.log2(rows.length))) << rounds,
        signal: soft,
      });
      return [left, error];
    } catch (error) {
      return [rows, error];
    }
  }

  /** Writes rows, and buries those that the sink rejects; resolves to the others. */
  async #write(source: string, rows: readonly Row[]): Promise<readonly Row[]> {
    const result = await this.#call(rows);
    const rejected = this.#rejected(source, rows, result ?? []);
    if (rejected.length > 0) await this.#bury(source, rejected);
    const lost = new Set(rejected.map((letter) => letter.row));
    const taken = rows.filter((row) => !lost.has(row));
    this.#options.events.emit('delivery', { sink: this.#options.sink, source, entries: taken.length, rejected: 0 });
    return taken;
  }

  #call(rows: readonly Row[]): Promise<void | readonly Rejected[]> {
    const { write, hard } = this.#options;
    return unlessAborted(hard, () => write(rows, hard));
  }

  #rejected(source: string, rows: readonly Row[], result: readonly Rejected[]): DeadLetter[] {
    const { log, sink } = this.#options;
    if (!Array.isArray(result)) {
      log.error('a sink broke a rule of the contract: write() resolves to nothing, or to a list of {id, reason}', { sink, source });
      return [];
    }
    const reasons = new Map(result.map((one) => [one.id, String(one.reason)]));
    const letters = rows.flatMap((row) => {
      const reason = reasons.get(row.id);
      return reason === undefined ? [] : [{ row, reason }];
    });
    const known = new Set(letters.map(({ row }) => row.id));
    const unknown = [...reasons.keys()].filter((id) => !known.has(id));
    if (unknown.length > 0) log.warn('a sink rejected entries that it was not given', { sink, source, ids: unknown.slice(0, 10) });
    return letters;
  }

  async #bury(source: string, letters: readonly DeadLetter[]): Promise<void> {
    const { sink, deadLetter, log, events } = this.#options;
    await bury(deadLetter, sink, letters);
    const [first] = letters;
    log.warn('a sink does not take some entries; they are in its dead-letter file', {
      sink,
      source,
      count: letters.length,
      reason: first?.reason ?? '',
      file: deadLetter,
    });
    events.emit('delivery', { sink, source, entries: 0, rejected: letters.length });
  }

  /** Sources take turns; `work` never rejects. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#line.then(work);
    this.#line = turn;
    return turn;
  }

  #tell(source: string, error: unknown): void {
    const { log, sink } = this.#options;
    const reason = describe(error);
    if (reason === this.#failing) return;
    this.#failing = reason;
    log.warn('a sink did not take a batch; it is tried again', { sink, source, error: reason });
  }

  #recovered(source: string): void {
    if (this.#failing === undefined) return;
    this.#failing = undefined;
    this.#options.log.info('a sink takes batches again', { sink: this.#options.sink, source });
  }
}
