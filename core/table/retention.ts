import { type Change, cutOff, durationText, formatTime, type Log, type Micros, type Source } from '../contract/index.ts';
import type { Database, SqlValue, Transaction } from './database.ts';
import type { Table } from './table.ts';

const BATCH = 5000;

export interface TableRetention {
  readonly database: Database;
  table(): Table;
  /** Milliseconds that rows are kept; absent: for ever. */
  readonly keep?: number | undefined;
  readonly log: Log;
}

/** Deletes rows whose time is further back than `keep`, in batches, so that nobody waits for long; a row without a time stays. */
export function tableRetention({ database, table, keep, log }: TableRetention): NonNullable<Source['retention']> {
  const quote = (name: string) => database.dialect.quote(name);
  const timeValue = (time: Micros) => database.dialect.timeValue(time);

  async function count(before: Micros, signal: AbortSignal): Promise<number> {
    const { name, time } = table();
    const text = `SELECT COUNT(*) FROM ${quote(name)} WHERE ${quote(time.column)} < ?`;
    const [row] = await database.read({ text, values: [timeValue(before)] }, signal);
    return Number(row?.[0] ?? 0);
  }

  async function deleteBatch(before: Micros, transaction: Transaction): Promise<number> {
    const { name, time, key } = table();
    const [rows, when, which] = [name, time.column, key.column].map((part) => quote(part));
    const oldest = `SELECT ${which} FROM ${rows} WHERE ${when} < ? ORDER BY ${when} LIMIT ${BATCH}`;
    const keys = (await transaction.read({ text: oldest, values: [timeValue(before)] })).map(([value]) => value as SqlValue);
    if (keys.length === 0) return 0;
    const text = `DELETE FROM ${rows} WHERE ${which} IN (${keys.map(() => '?').join(', ')}) AND ${when} < ?`;
    return (await transaction.run({ text, values: [...keys, timeValue(before)] })).changes;
  }

  async function deleteAll(before: Micros, signal: AbortSignal): Promise<number> {
    let deleted = 0;
    for (let last = BATCH; last >= BATCH; deleted += last) {
      signal.throwIfAborted();
      last = await database.write((transaction) => deleteBatch(before, transaction), signal);
      if (last > 0) log.debug('deleted rows that were kept long enough', { table: table().name, rows: last });
    }
    return deleted;
  }

  return {
    describe: () => (keep === undefined ? 'permanent: rows are never deleted' : `rows older than ${durationText(keep)} are deleted`),
    async apply({ dryRun }, signal): Promise<readonly Change[]> {
      if (keep === undefined) return [];
      const before = cutOff(keep);
      const rows = await (dryRun ? count(before, signal) : deleteAll(before, signal));
      return rows > 0 ? [{ what: `delete rows of ${table().name} before ${formatTime(before)}`, count: rows }] : [];
    },
  };
}
