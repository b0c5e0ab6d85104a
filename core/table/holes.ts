import { type Cursor, RequestError } from '../contract/index.ts';
import { gap, isMissing, lastOf, type Run, upToKey, withGap, withoutKey } from './runs.ts';
import { parseRuns, runsText, runText } from './runs-text.ts';

/** Bytes of a cursor's holes; the two keys before them take at most 42, so that a cursor stays within 1900. */
const MOST_BYTES = 1850;
/** What is left when there were more, so that not every further row has to make room. */
const TRIMMED_BYTES = 1700;
/** `highest`, or `highest.first.holes`: the first key of the lowest hole, and their text. */
const CURSOR = /^(-?\d{1,20})(?:\.(-?\d{1,20})\.([\w@*-]{1,1850}))?$/;

/** What there was before, with its text: that of the last run apart, because that one may still grow. */
interface State {
  readonly highest: bigint | undefined;
  readonly runs: readonly Run[];
  readonly head: string;
  readonly tail: string;
}

/**
 * What a follower of a table has seen: all rows up to the highest key, but for holes below it, where an open transaction may
 * still commit a row. Never changed: every row that is seen makes another one.
 */
export class Holes {
  /** Nothing was seen yet. */
  static readonly none = new Holes({ highest: undefined, runs: [], head: '', tail: '' });
  readonly #state: State;

  private constructor(state: State) {
    this.#state = state;
  }

  static #of(highest: bigint | undefined, runs: readonly Run[]): Holes {
    const last = runs.at(-1);
    return new Holes({ highest, runs, head: runsText(runs.slice(0, -1)), tail: last ? runText(last, runs.at(-2)) : '' });
  }

  /** All rows up to this key were seen. */
  static upTo(highest: bigint): Holes {
    return Holes.#of(highest, []);
  }

  get highest(): bigint | undefined {
    return this.#state.highest;
  }

  /** Ascending. */
  get runs(): readonly Run[] {
    return this.#state.runs;
  }

  /** Whether the row of this key was seen, if it was there at all. */
  covers(key: bigint): boolean {
    const { highest, runs } = this.#state;
    return highest !== undefined && key <= highest && !isMissing(runs, key);
  }

  /** With the row of this key. What it leaves out below it is a hole, noticed at that second. */
  seen(key: bigint, noticed: number): Holes {
    const { highest, runs, head, tail } = this.#state;
    if (highest !== undefined && key <= highest) {
      const left = withoutKey(runs, key);
      return left === runs ? this : Holes.#of(highest, left);
    }
    const from = highest === undefined ? 1n : highest + 1n;
    if (key <= from) return new Holes({ ...this.#state, highest: key });
    const more = withGap(runs, gap(from, key - 1n, noticed));
    const text = runText(more.at(-1) as Run, more.at(-2));
    return new Holes({ highest: key, runs: more, head: more.length > runs.length ? head + tail : head, tail: text });
  }

  /** What is above this key counts as not seen. The key itself may be a hole; then so does what is above the row below it. */
  backTo(key: bigint): Holes {
    const { highest, runs } = this.#state;
    if (highest === undefined || key >= highest) return this;
    return Holes.#of(...upToKey(runs, key));
  }

  /** Gives up the lowest holes when the cursor would become too long; they come beside what is left. */
  trimmed(): readonly [Holes, readonly Run[]] {
    const { highest, runs, head, tail } = this.#state;
    if (head.length + tail.length <= MOST_BYTES) return [this, []];
    let kept = runs.length;
    for (let bytes = 0; kept > 0; kept--) {
      bytes += runText(runs[kept - 1] as Run, runs[kept - 2]).length;
      if (bytes > TRIMMED_BYTES) break;
    }
    return [Holes.#of(highest, runs.slice(kept)), runs.slice(0, kept)];
  }

  /** Gives up the holes that were noticed before that second; they come beside what is left. */
  expired(before: number): readonly [Holes, readonly Run[]] {
    const gone = this.runs.filter(({ noticed }) => noticed < before);
    if (gone.length === 0) return [this, []];
    const left = this.runs.filter(({ noticed }) => noticed >= before);
    return [Holes.#of(this.highest, left), gone];
  }

  /** The text of a cursor, at most 1900 bytes of what is {@link trimmed}; `''` when nothing was seen. */
  format(): Cursor {
    const { highest, runs, head, tail } = this.#state;
    const [lowest] = runs;
    if (highest === undefined) return '';
    return lowest ? `${highest}.${lowest.first}.${head}${tail}` : String(highest);
  }

  /** The inverse; a {@link RequestError} for a text that {@link format} cannot have made. */
  static parse(text: Cursor): Holes {
    if (text === '') return Holes.none;
    const holes = Holes.#read(text);
    if (holes?.format() === text) return holes;
    const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    throw new RequestError('after', `${shown} is no cursor of a table; take one from an entry or a hello`);
  }

  static #read(text: Cursor): Holes | undefined {
    const [, key, first, body] = CURSOR.exec(text) ?? [];
    if (key === undefined) return undefined;
    const highest = BigInt(key);
    const runs = first === undefined || body === undefined ? [] : parseRuns(body, BigInt(first));
    const last = runs?.at(-1);
    if (!runs || (last && lastOf(last) >= highest)) return undefined;
    return Holes.#of(highest, runs);
  }
}
