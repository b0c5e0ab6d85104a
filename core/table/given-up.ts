import { durationText, type Lost } from '../contract/index.ts';
import type { KeyedRows } from './keyed-rows.ts';
import { type Run, withoutKey } from './runs.ts';

/** Gaps that are remembered; the lowest are forgotten. */
const MOST = 256;
const NAMED = 5;

/** Gaps in which no row is waited for any more. A row that appears in one after all is counted as lost, once. */
export class GivenUp {
  readonly #rows: KeyedRows;
  readonly #late: number;
  #runs: readonly Run[] = [];

  constructor(rows: KeyedRows, late: number) {
    this.#rows = rows;
    this.#late = late;
  }

  add(runs: readonly Run[]): void {
    if (runs.length === 0) return;
    const all = [...this.#runs, ...runs].sort((a, b) => (a.first < b.first ? -1 : 1));
    this.#runs = all.slice(-MOST);
  }

  /** What appeared since it was asked last. */
  async look(signal: AbortSignal): Promise<Lost | undefined> {
    const named: string[] = [];
    let entries = 0;
    for (const run of await this.#rows.filled(this.#runs, signal)) {
      for await (const rows of this.#rows.within(run, signal)) {
        for (const { key } of rows) {
          this.#runs = withoutKey(this.#runs, key);
          if (entries++ < NAMED) named.push(String(key));
        }
      }
    }
    if (entries === 0) return undefined;
    const keys = `${named.join(', ')}${entries > named.length ? ', …' : ''}`;
    const reason = `rows were committed later than late (${durationText(this.#late)}) allows for after rows with higher keys: keys ${keys}`;
    return { lane: '', reason, entries };
  }
}
