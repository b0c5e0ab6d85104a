import { PermanentError } from '../contract/index.ts';
import type { Row } from '../query/row.ts';
import { waitAskedBy } from './circuit.ts';

/** Failures in a row after which it is looked whether the sink takes anything at all. */
const STREAK = 8;

export interface SalvageOptions {
  /** A row that the sink took just before; undefined when it only rejected some. */
  readonly good: Row | undefined;
  /** Writes rows, and resolves to those that the sink took; those that it rejected are dealt with. */
  write(rows: readonly Row[]): Promise<readonly Row[]>;
  /** Writes a row again that the sink took before, to see whether it still takes any. */
  confirm(row: Row): Promise<unknown>;
  /** Deals with a poisonous row. */
  bury(row: Row, error: unknown): Promise<void>;
  readonly signal: AbortSignal;
}

/** What is still to be written, and the error that it ended with when that is not nothing. */
export interface Salvaged {
  readonly left: readonly Row[];
  readonly error?: unknown;
}

/**
 * Writes a batch whole, and when it fails by halves. A row is poisonous only if it fails alone, and a row that the sink took
 * before goes through right after; so an outage never makes poison of good rows.
 */
export async function salvage(rows: readonly Row[], options: SalvageOptions): Promise<Salvaged> {
  const { write, confirm, bury, signal } = options;
  const done = new Set<Row>();
  const suspects: Row[] = [];
  const parts = [rows].filter((part) => part.length > 0);
  let { good } = options;
  let failures = 0;
  const stop = (error: unknown): Salvaged => ({ left: rows.filter((row) => !done.has(row)), error });

  async function isOutage(error: unknown): Promise<boolean> {
    if (error instanceof PermanentError || signal.aborted || waitAskedBy(error) !== undefined) return true;
    if (failures % STREAK > 0) return false;
    return good === undefined || !(await succeeds(confirm(good)));
  }

  for (let part = parts.pop(); part; part = parts.pop()) {
    try {
      const taken = await write(part);
      good = taken[0] ?? good;
      failures = 0;
      for (const row of part) done.add(row);
    } catch (error) {
      failures++;
      if (await isOutage(error)) return stop(error);
      const [row, ...others] = part;
      if (row && others.length === 0) suspects.push(row);
      else parts.push(...halves(part));
    }
  }
  for (const row of suspects) {
    if (!good || signal.aborted) return stop(new Error('the sink took none of the entries'));
    try {
      await write([row]);
    } catch (error) {
      failures++;
      if (await isOutage(error)) return stop(error);
      try {
        await confirm(good);
      } catch (outage) {
        return stop(outage);
      }
      await bury(row, error);
    }
    done.add(row);
  }
  return { left: [] };
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** The second half below the first, so that rows are tried in their order. */
function halves(rows: readonly Row[]): (readonly Row[])[] {
  const middle = Math.ceil(rows.length / 2);
  return [rows.slice(middle), rows.slice(0, middle)].filter((half) => half.length > 0);
}
