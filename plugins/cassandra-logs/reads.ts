import type { QueryOptions } from 'cassandra-driver';
import type { Statement } from '../cassandra/session.ts';
import type { LogStore, Row } from './changes-store.ts';
import { Gate } from './gate.ts';
import type { Options } from './options.ts';

/** Statements of all queries together that are under way at a time; the nodes read in parallel, and more would only wait there. */
const MOST_AT_ONCE = 64;

/** Characters of lines that one statement brings at most, and that a query holds, by what lines were like lately. */
const PIECE_LENGTH = 4 * 1024 * 1024;
const HELD_LENGTH = 32 * 1024 * 1024;
/** How many lines what is known of their length goes back. */
const MEMORY = 200;

/** What queries read by. */
export class Reads {
  readonly #store: LogStore;
  readonly #consistency: Options['read_consistency'];
  readonly #gate = new Gate(MOST_AT_ONCE);
  /** Of a line, in characters. */
  #length = 1000;

  constructor(store: LogStore, consistency: Options['read_consistency']) {
    this.#store = store;
    this.#consistency = consistency;
  }

  get shards(): number {
    return this.#store.store().shards;
  }

  /** `<keyspace>.<table>` */
  name(table: string): string {
    return `${this.#store.store().keyspace}.${table}`;
  }

  /** How many lines, of so many that are wanted, one statement may bring. */
  piece(wanted: number): number {
    return Math.max(1, Math.min(wanted, Math.floor(PIECE_LENGTH / this.#length)));
  }

  /** How many lines, of so many that are wanted, a query may hold. */
  held(wanted: number): number {
    return Math.max(1, Math.min(wanted, Math.floor(HELD_LENGTH / this.#length)));
  }

  /** Learns from the lengths of lines that were read. */
  weigh(lengths: readonly number[]): void {
    const weight = Math.min(1, lengths.length / MEMORY);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);
    this.#length = Math.max(1, this.#length * (1 - weight) + mean * weight);
  }

  /** All rows, in one answer; for statements with a limit of their own. */
  async rows(statement: Statement, signal: AbortSignal): Promise<readonly Row[]> {
    const { rows } = await this.#execute(statement, signal, { fetchSize: 0 });
    return rows as unknown as readonly Row[];
  }

  /** One page, and where the next one begins; a place is of use for the same statement, in this process. */
  async page(statement: Statement, fetchSize: number, at: string | undefined, signal: AbortSignal) {
    const { rows, pageState } = await this.#execute(statement, signal, { fetchSize, ...(at && { pageState: at }) });
    return { rows: rows as unknown as readonly Row[], next: pageState ?? undefined };
  }

  #execute(statement: Statement, signal: AbortSignal, options: QueryOptions) {
    const session = this.#store.session();
    const { localOne, localQuorum } = session.driver.types.consistencies;
    const consistency = this.#consistency === 'local_one' ? localOne : localQuorum;
    return this.#gate.pass(() => session.execute(statement, signal, { ...options, consistency }));
  }
}
