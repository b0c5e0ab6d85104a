import type { Change } from '../../core/contract/index.ts';
import type { Mapping } from '../../core/table/index.ts';
import { quote } from './dialect.ts';
import { inspect, type Reader } from './inspect.ts';
import { STORED_GLOB } from './times.ts';

export interface Step {
  readonly change: Change;
  readonly statement: string;
}

const INDEXED = ['created_at', 'phase_name', 'feature_id', 'cycle_id'] as const;

/** What makes the table of DORA rows when it is missing, and the recommended indexes that are missing. Nothing is changed or dropped. */
export function stepsFor(read: Reader, mapping: Mapping): readonly Step[] {
  const found = inspect(read, mapping);
  const taken = read("SELECT name FROM sqlite_schema WHERE type = 'index'").map(([name]) => String(name));
  if (!found) {
    const indexes = INDEXED.map((field) => indexOn(mapping.table, columnOf(mapping, field), mapping.time_column, taken));
    return [creation(mapping), ...indexes];
  }
  const [isView] = read("SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ?", found.name);
  if (isView) return [];
  const wanted = [found.time, ...found.identity].filter(({ column }) => !found.indexed.has(column));
  return wanted.map(({ column }) => indexOn(found.name, column, found.time.column, taken));
}

function columnOf(mapping: Mapping, field: string): string {
  return field === 'created_at' ? mapping.time_column : (mapping.columns?.[field] ?? field);
}

function creation(mapping: Mapping): Step {
  const named = (field: string) => quote(columnOf(mapping, field));
  const [time, metadata] = [named('created_at'), named('metadata')];
  const columns = [
    `${quote(mapping.id_column)} INTEGER PRIMARY KEY AUTOINCREMENT`,
    `${named('cycle_id')} VARCHAR(50) NOT NULL`,
    `${named('feature_id')} VARCHAR(50) NOT NULL`,
    `${named('phase_name')} VARCHAR(50) NOT NULL`,
    `${named('decision')} VARCHAR(20) NOT NULL`,
    `${named('duration_seconds')} DECIMAL(10,2)`,
    `${metadata} JSON NOT NULL DEFAULT '{}' CHECK (json_valid(${metadata}))`,
    `${time} DATETIME NOT NULL CHECK (${time} GLOB '${STORED_GLOB}')`,
  ];
  return {
    change: { what: `create the table ${mapping.table}`, count: 1 },
    statement: `CREATE TABLE ${quote(mapping.table)} (${columns.join(', ')})`,
  };
}

/**
 * The time stands in every index, so that the newest of a common phase are found without sorting all of them. Names of
 * indexes are those of the whole file.
 */
function indexOn(table: string, column: string, time: string, taken: readonly string[]): Step {
  let name = `idx_${table}_${column}`;
  const isTaken = (wanted: string) => taken.some((one) => one.toLowerCase() === wanted.toLowerCase());
  for (let number = 2; isTaken(name); number++) name = `idx_${table}_${column}_${number}`;
  const columns = column === time ? [time] : [column, time];
  return {
    change: { what: `add the index ${name} on ${columns.join(', ')} to ${table}`, count: 1 },
    statement: `CREATE INDEX ${quote(name)} ON ${quote(table)} (${columns.map(quote).join(', ')})`,
  };
}
