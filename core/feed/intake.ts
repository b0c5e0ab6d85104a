import type { Log, Rejected, Sink } from '../contract/index.ts';
import type { Row } from '../query/row.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { bury, type DeadLetter } from './dead-letter.ts';
import { unlessAborted } from './reading.ts';

export interface IntakeOptions {
  readonly sink: string;
  readonly write: NonNullable<Sink['write']>;
  /** Path of the file for entries that the sink does not take. */
  readonly deadLetter: string;
  readonly events: AgentEmitter;
  readonly log: Log;
  /** Aborts when the write in flight is to end. */
  readonly hard: AbortSignal;
}

/** Calls a sink, and deals with what it rejects. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Writes rows, and buries those that the sink rejects; resolves to the others. */
  async write(source: string, rows: readonly Row[]): Promise<readonly Row[]> {
    const result = await this.call(rows);
    const rejected = this.#rejected(source, rows, result ?? []);
    let taken = rows;
    if (rejected.length > 0) {
      await this.bury(source, rejected);
      const lost = new Set(rejected.map((letter) => letter.row));
      taken = rows.filter((row) => !lost.has(row));
    }
    this.#options.events.emit('delivery', { sink: this.#options.sink, source, entries: taken.length, rejected: 0 });
    return taken;
  }

  /** Writes rows whose fate is known already. */
  call(rows: readonly Row[]): Promise<void | readonly Rejected[]> {
    const { write, hard } = this.#options;
    return unlessAborted(hard, () => write(rows, hard));
  }

  async bury(source: string, letters: readonly DeadLetter[]): Promise<void> {
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

  #rejected(source: string, rows: readonly Row[], result: readonly Rejected[]): DeadLetter[] {
    const { log, sink } = this.#options;
    if (!Array.isArray(result)) {
      log.error('a sink broke a rule of the contract: write() resolves to nothing, or to a list of {id, reason}', { sink, source });
      return [];
    }
    if (result.length === 0) return [];
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
}
