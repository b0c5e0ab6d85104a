import { Holes } from './holes.ts';
import { type KeyedRows, type Mark, MOST_MARKS } from './keyed-rows.ts';

/** The table is not the one that was read: what is to be told, and where reading goes on. */
export interface Turn {
  readonly reason: string;
  readonly holes: Holes;
}

/** Of the marks, those at the end of what was read, one beside the other. */
const RECENT = 8;
const MEANWHILE = 'rows that were added and deleted between two looks are not known';

/**
 * Watches some rows of those that were read: the lowest, the newest, and fewer and fewer of those between. A database may give a
 * key again, after its table was emptied or its newest row deleted, and a follower would take the new row for the one that it has
 * read. Rows are told apart by their times.
 */
export class Ends {
  readonly #rows: KeyedRows;
  /** Ascending. */
  #marks: readonly Mark[] = [];

  constructor(rows: KeyedRows) {
    this.#rows = rows;
  }

  /** `read`: the highest key that was read, be it only just now and not yet seen. */
  async look(holes: Holes, read: bigint | undefined, signal: AbortSignal): Promise<Turn | undefined> {
    const marks = this.#marks;
    const { lowest, newest, asked } = await this.#rows.marks(
      marks.map(({ key }) => key),
      signal,
    );
    const now = new Map(asked.map((mark) => [mark.key, mark]));
    const isSame = ({ key, time }: Mark) => now.has(key) && now.get(key)?.time === time;
    const turn = newest ? turned({ holes, read, marks, now, isSame, lowest, newest }) : emptied(read, marks);
    const known = marks.filter((mark) => isSame(mark) && (!turn || (turn.holes.highest ?? -1n) >= mark.key));
    const last = turn ? turn.holes.highest : read;
    const recent = last === undefined ? [] : await this.#rows.recent(last, RECENT, signal);
    this.#marks = chosen([...(lowest && last !== undefined && lowest.key <= last ? [lowest] : []), ...known, ...recent]);
    return turn;
  }
}

interface Look {
  readonly holes: Holes;
  readonly read: bigint | undefined;
  readonly marks: readonly Mark[];
  readonly now: ReadonlyMap<bigint, Mark>;
  isSame(mark: Mark): boolean;
  readonly lowest: Mark | undefined;
  readonly newest: Mark;
}

function emptied(read: bigint | undefined, marks: readonly Mark[]): Turn | undefined {
  return read === undefined && marks.length === 0 ? undefined : { reason: `the table was emptied: ${MEANWHILE}`, holes: Holes.none };
}

function turned({ holes, read, marks, now, isSame, lowest, newest }: Look): Turn | undefined {
  if (read === undefined) return undefined;
  const isBelow = newest.key < read;
  const keys = `its newest key is ${newest.key}, and it was read up to ${read}`;
  if (marks.length === 0) {
    if (!isBelow) return undefined;
    const reason = `the table was emptied, or its newest rows were deleted, while nobody read (${keys}): ${MEANWHILE}; what is in the table now is read from its beginning, and rows that were had before come again by the same ids`;
    return { reason, holes: Holes.none };
  }
  const same = marks.findLastIndex(isSame);
  const above = marks.slice(same + 1);
  const [changed] = above.filter(({ key }) => now.has(key));
  const base = marks[same];
  if (!base && (changed || isBelow || (lowest && lowest.key < (marks[0]?.key ?? 0n)))) {
    const reason = `the table was emptied, and its keys began anew (${keys}): ${MEANWHILE}; what is in the table now is read from its beginning`;
    return { reason, holes: Holes.none };
  }
  if (base && changed) {
    const reason = `the row of key ${changed.key} is another one than was read, or its time was changed: ${MEANWHILE}; rows above key ${base.key} are read again`;
    return { reason, holes: holes.backTo(base.key) };
  }
  if (!isBelow) return undefined;
  return { reason: `the newest rows of the table were deleted (${keys}): ${MEANWHILE}`, holes: holes.backTo(newest.key) };
}

/** The first, the last ones, and of those between every second when there are too many. */
function chosen(marks: readonly Mark[]): readonly Mark[] {
  const all = [...new Map(marks.map((mark) => [mark.key, mark])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  if (all.length <= MOST_MARKS) return all;
  const between = all.slice(1, -RECENT).filter((_, index) => index % 2 === 1);
  return [...all.slice(0, 1), ...between, ...all.slice(-RECENT)].slice(-MOST_MARKS);
}
