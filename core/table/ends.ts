import { Holes } from './holes.ts';
import type { KeyedRows, Mark } from './keyed-rows.ts';

/** The table is not the one that was read: what is to be told, and where reading goes on when not where it stands. */
export interface Turn {
  readonly reason: string;
  readonly holes?: Holes;
}

const MEANWHILE = 'rows that were added and deleted between two looks are not known';
const REPEATED = 'what is in the table now is read from its beginning';

/**
 * Watches the lowest and the newest row of a table. A table that was emptied gives its keys anew, and a follower would take
 * the new rows for those that it has read. Rows are told apart by their times.
 */
export class Ends {
  readonly #rows: KeyedRows;
  #before: { readonly lowest: Mark; readonly newest: Mark } | undefined;

  constructor(rows: KeyedRows) {
    this.#rows = rows;
  }

  /** `read`: the highest key that was read, be it only just now and not yet seen. */
  async look(holes: Holes, read: bigint | undefined, signal: AbortSignal): Promise<Turn | undefined> {
    const before = this.#before;
    const { lowest, newest, asked } = await this.#rows.ends(before?.newest.key ?? read ?? 0n, signal);
    this.#before = lowest && newest && { lowest, newest };
    if (!lowest || !newest) {
      if (read === undefined && !before) return undefined;
      return { reason: `the table was emptied: ${MEANWHILE}`, holes: Holes.none };
    }
    const isBelow = read !== undefined && newest.key < read;
    const keys = `its newest key is ${newest.key}, and it was read up to ${read}`;
    if (!before) {
      if (isBelow) {
        const reason = `the table was emptied, or its newest rows were deleted, while nobody read (${keys}): ${MEANWHILE}; ${REPEATED}, and rows that were had before come again by the same ids`;
        return { reason, holes: Holes.none };
      }
      return !asked && read !== undefined && lowest.key < read ? { reason: unknown(read) } : undefined;
    }
    const isLowestGone = lowest.key > before.lowest.key;
    const isLowestOther = lowest.key < before.lowest.key || (!isLowestGone && lowest.time !== before.lowest.time);
    const isNewestOther = asked !== undefined && asked.time !== before.newest.time;
    const beganAnew = (isLowestOther && (!asked || isNewestOther)) || (isLowestGone && (isNewestOther || (isBelow && !asked)));
    if (beganAnew)
      return { reason: `the table was emptied, and its keys began anew (${keys}): ${MEANWHILE}; ${REPEATED}`, holes: Holes.none };
    if (isBelow) return { reason: `the newest rows of the table were deleted (${keys}): ${MEANWHILE}`, holes: holes.backTo(newest.key) };
    return isLowestGone && !asked && read !== undefined && lowest.key < read ? { reason: unknown(read) } : undefined;
  }
}

function unknown(read: bigint): string {
  return `the newest row that was read, of key ${read}, is gone: if the table was emptied and its keys began anew, rows up to that key were not read; read it from the beginning`;
}
