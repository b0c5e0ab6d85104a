import type { Database, Table } from '../../core/table/index.ts';

export interface Index {
  readonly name: string;
  /** Of its columns as a whole: what is unique in a part of a text, or by an expression, does not count. */
  readonly unique: boolean;
  /** Those by which it finds rows: none of a FULLTEXT index or of an expression. */
  readonly columns: readonly string[];
}

/** All indexes of a table, with their columns in order. */
export async function readIndexes(reader: Pick<Database, 'read'>, schema: string, table: string, signal: AbortSignal): Promise<Index[]> {
  const rows = await reader.read(
    {
      text: `SELECT INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, INDEX_TYPE FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
      values: [schema, table],
    },
    signal,
  );
  const names = new Set(rows.map(([name]) => String(name)));
  return [...names].map((name) => {
    const parts = rows.filter((row) => row[0] === name);
    const isWhole = parts.every(([, , column, part, type]) => column !== null && part === null && type === 'BTREE');
    const other = parts.findIndex(([, , column, , type]) => column === null || type !== 'BTREE');
    const usable = other < 0 ? parts : parts.slice(0, other);
    return { name, unique: isWhole && String(parts[0]?.[1]) === '0', columns: usable.map(([, , column]) => String(column)) };
  });
}

/** Columns that queries filter by and that no index begins with. */
export function missingIndexes({ time, identity, indexed }: Table): string[] {
  return [time, ...identity].map(({ column }) => column).filter((column) => !indexed.has(column));
}
