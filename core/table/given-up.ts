import { durationText, type Lost } from '../contract/index.ts';
import type { KeyedRows } from './keyed-rows.ts';
import { lastOf, type Run, withoutKey } from './runs.ts';

/** Gaps of each kind that are remembered one by one; the lowest of more are looked after as one range. */
const MOST = 256;
const NAMED = 5;
/** Rows in that range; counting more takes too long, and then it begins anew with what is merged last. */
const MOST_ROWS = 1_000_000;
/** Of so much time, counting takes one part at most. */
const LEISURE = 10;

/** `late`: nobody waits so long. `early`: a cursor has no room for it. */
type Why = 'late' | 'early';

/** Merged gaps with the rows between them: more rows than were counted are rows that appeared in a gap. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
  readonly rows: number;
  /** Up to this key the rows are counted. */
  readonly counted: bigint;
}

/** Gaps in which no row is waited for any more. A row that appears in one after all is counted as lost, once. */
export class GivenUp {
  readonly #rows: KeyedRows;
  readonly #reasons: Readonly<Record<Why, string>>;
  readonly #runs: Record<Why, readonly Run[]> = { late: [], early: [] };
  #range: Range | undefined;
  #due = 0;

  constructor(rows: KeyedRows, late: number) {
    this.#rows = rows;
    this.#reasons = {
      late: `rows were committed later than late (${durationText(late)}) allows for after rows with higher keys`,
      early:
        'rows were committed after rows with higher keys, and their keys were given up early: the gaps between keys are too many to remember',
    };
  }

  add(why: Why, runs: readonly Run[]): void {
    if (runs.length === 0) return;
    const all = [...this.#runs[why], ...runs].sort(byFirst);
    this.#runs[why] = all;
    const merged = all[all.length - MOST - 1];
    if (this.#range) this.#merge(this.#range.last);
    if (merged) this.#merge(lastOf(merged));
  }

  /** All gaps up to there become one range. */
  #merge(last: bigint): void {
    const { late, early } = this.#runs;
    const [lowest] = [...late, ...early].filter((run) => lastOf(run) <= last).sort(byFirst);
    if (!lowest) return;
    const { first } = lowest;
    this.#runs.late = late.filter((run) => lastOf(run) > last);
    this.#runs.early = early.filter((run) => lastOf(run) > last);
    const range = this.#range;
    const end = range && range.last > last ? range.last : last;
    this.#range = range && range.first <= first ? { ...range, last: end } : { first, last: end, rows: 0, counted: first - 1n };
  }

  /** Nothing above the key, or nothing at all, is given up any more. */
  backTo(key: bigint | undefined): void {
    for (const why of ['late', 'early'] as const)
      this.#runs[why] = this.#runs[why].filter((run) => key !== undefined && lastOf(run) <= key);
    if (this.#range && (key === undefined || this.#range.last > key)) this.#range = undefined;
  }

  /** Counts the rows in what was merged; to be called soon after it was. */
  async settle(signal: AbortSignal): Promise<void> {
    const range = this.#range;
    if (!range || range.counted >= range.last) return;
    const added = await this.#rows.count(range.counted + 1n, range.last, signal);
    const rows = range.rows + added;
    const isMuch = rows > MOST_ROWS;
    this.#range = { ...range, first: isMuch ? range.counted + 1n : range.first, rows: isMuch ? added : rows, counted: range.last };
  }

  /** What appeared since it was asked last. */
  async look(signal: AbortSignal): Promise<readonly Lost[]> {
    const found = [await this.#inRuns('late', signal), await this.#inRuns('early', signal), await this.#inRange(signal)];
    return found.filter((lost) => lost !== undefined);
  }

  async #inRuns(why: Why, signal: AbortSignal): Promise<Lost | undefined> {
    const named: string[] = [];
    let entries = 0;
    for (const run of await this.#rows.filled(this.#runs[why], signal)) {
      for await (const rows of this.#rows.within(run, signal)) {
        for (const { key } of rows) {
          this.#runs[why] = withoutKey(this.#runs[why], key);
          if (entries++ < NAMED) named.push(String(key));
        }
      }
    }
    if (entries === 0) return undefined;
    const keys = `${named.join(', ')}${entries > named.length ? ', …' : ''}`;
    return { lane: '', reason: `${this.#reasons[why]}: keys ${keys}`, entries };
  }

  async #inRange(signal: AbortSignal): Promise<Lost | undefined> {
    await this.settle(signal);
    const range = this.#range;
    const began = performance.now();
    if (!range || began < this.#due) return undefined;
    const rows = await this.#rows.count(range.first, range.last, signal);
    this.#due = began + LEISURE * (performance.now() - began);
    this.#range = { ...range, rows };
    if (rows <= range.rows) return undefined;
    const reason = `${this.#reasons.early}: somewhere from key ${range.first} to ${range.last}, by counting`;
    return { lane: '', reason, entries: rows - range.rows };
  }
}

function byFirst(a: Run, b: Run): number {
  return a.first < b.first ? -1 : 1;
}
