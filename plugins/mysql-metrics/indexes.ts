import type { Database, Table } from '../../core/table/index.ts';

export interface Index {
  readonly name: string;
  readonly unique: boolean;
  readonly columns: readonly string[];
}

/** The usable indexes of a table, with their columns in order. One over a part of a text or over an expression is not told. */
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
  return [...names].flatMap((name) => {
    const parts = rows.filter((row) => row[0] === name);
    if (parts.some(([, , column, part, type]) => column === null || part !== null || type !== 'BTREE')) return [];
    return [{ name, unique: String(parts[0]?.[1]) === '0', columns: parts.map(([, , column]) => String(column)) }];
  });
}

/** Columns that queries filter by and that no index begins with. */
export function missingIndexes({ time, identity, indexed }: Table): string[] {
  return [time, ...identity].map(({ column }) => column).filter((column) => !indexed.has(column));
}
