import { type Change, cutOff, durationText, formatTime, type Micros, PartialRetention, type Source } from '../contract/index.ts';
import type { SqlValue, Transaction } from './database.ts';
import type { TableSource } from './source.ts';
import type { Table } from './table.ts';

const BATCH = 5000;

type TableRetention = Pick<TableSource, 'database' | 'table' | 'keep' | 'log'>;

/** Deletes rows whose time is further back than `keep`, in batches, so that nobody waits for long; a row without a time stays. */
export function tableRetention({ database, table, keep, log }: TableRetention): NonNullable<Source['retention']> {
  const quote = (name: string) => database.dialect.quote(name);
  const timeValue = (time: Micros) => database.dialect.timeValue(time);
  // What is no time compares as well: zero dates, and in SQLite any number with any text.
  const isOld = ({ time }: Table) => `${quote(time.column)} < ? AND ${database.dialect.micros(quote(time.column))} IS NOT NULL`;

  async function count(before: Micros, signal: AbortSignal): Promise<number> {
    const known = table();
    const text = `SELECT COUNT(*) FROM ${quote(known.name)} WHERE ${isOld(known)}`;
    const [row] = await database.read({ text, values: [timeValue(before)] }, signal);
    return Number(row?.[0] ?? 0);
  }

  async function deleteBatch(before: Micros, transaction: Transaction): Promise<number> {
    const known = table();
    const { name, time, key } = known;
    const [rows, when, which] = [name, time.column, key.column].map((part) => quote(part));
    const oldest = `SELECT ${which} FROM ${rows} WHERE ${isOld(known)} ORDER BY ${when} LIMIT ${BATCH}`;
    const keys = (await transaction.read({ text: oldest, values: [timeValue(before)] })).map(([value]) => value as SqlValue);
    if (keys.length === 0) return 0;
    const text = `DELETE FROM ${rows} WHERE ${which} IN (${keys.map(() => '?').join(', ')}) AND ${isOld(known)}`;
    return (await transaction.run({ text, values: [...keys, timeValue(before)] })).changes;
  }

  function changed(before: Micros, count: number): readonly Change[] {
    return count > 0 ? [{ what: `delete rows of ${table().name} before ${formatTime(before)}`, count }] : [];
  }

  async function deleteAll(before: Micros, signal: AbortSignal): Promise<readonly Change[]> {
    let deleted = 0;
    try {
      for (let last = BATCH; last >= BATCH; deleted += last) {
        signal.throwIfAborted();
        last = await database.write((transaction) => deleteBatch(before, transaction), signal);
        if (last > 0) log.debug('deleted rows that were kept long enough', { table: table().name, rows: last });
      }
    } catch (error) {
      throw deleted > 0 ? new PartialRetention(changed(before, deleted), error) : error;
    }
    return changed(before, deleted);
  }

  return {
    describe: () => (keep === undefined ? 'permanent: rows are never deleted' : `rows older than ${durationText(keep)} are deleted`),
    async apply({ dryRun }, signal): Promise<readonly Change[]> {
      if (keep === undefined) return [];
      const before = cutOff(keep);
      return dryRun ? changed(before, await count(before, signal)) : deleteAll(before, signal);
    },
  };
}
