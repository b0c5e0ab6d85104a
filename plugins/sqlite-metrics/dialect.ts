import type { Dialect } from '../../core/table/index.ts';
import { STORED_GLOB, storedTime, storedTimeReader } from './times.ts';

/** SQLite from 3.38 on, which has its JSON functions built in. */
export function sqliteDialect(): Dialect {
  const read = storedTimeReader();
  return {
    endsAtNul: true,
    quote,
    timeValue: storedTime,
    readTime: (value) => (typeof value === 'string' ? read(value) : undefined),
    exact: (column) => `${column} COLLATE BINARY`,
    exactValue: '?',
    micros,
    jsonText: (column) => atPath(column, `CASE WHEN type IN ('true', 'false', 'null') THEN type ELSE CAST(value AS TEXT) END`),
    jsonType: (column) =>
      atPath(
        column,
        `CASE type WHEN 'text' THEN 'STRING' WHEN 'real' THEN 'DOUBLE' WHEN 'true' THEN 'BOOLEAN' WHEN 'false' THEN 'BOOLEAN' ELSE upper(type) END`,
      ),
    real: (expression) => `CAST(${expression} AS REAL)`,
    holds: (column, type) => `typeof(${column}) ${type === 'text' ? "= 'text'" : "IN ('integer', 'real')"}`,
    sum: (expression) => `CASE WHEN count(${expression}) > 0 THEN total(${expression}) END`,
  };
}

/** NULL for what is not stored as a time, and for days that no month has. */
function micros(column: string): string {
  const isTime = `${column} GLOB '${STORED_GLOB}' AND date(${column}) = substr(${column}, 1, 10)`;
  return `CASE WHEN ${isTime} THEN CAST(strftime('%s', ${column}) AS INTEGER) * 1000000 + CAST(substr(${column}, 21, 6) AS INTEGER) END`;
}

/** The first row of `json_tree` is the value at the path itself. What is no JSON has nothing at any path. */
function atPath(column: string, told: string): string {
  return `(SELECT ${told} FROM json_tree(CASE WHEN json_valid(${column}) THEN ${column} END, ?) LIMIT 1)`;
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
