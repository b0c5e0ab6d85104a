import type { Column, ColumnKind, SqlRow } from '../../core/table/index.ts';

/** A column as `pragma_table_xinfo` has it. */
export type Described = Omit<Column, 'field'> & { readonly type: string; readonly primary: number };

/** The select list that {@link describeColumn} reads. */
export const COLUMN_FACTS = 'name, type, "notnull", dflt_value, pk, hidden';

/** Types that say what their values are; SQLite keeps a number or a text in a column of any other, such as DATE, or of none. */
const STRONG = /JSON|INT|CHAR|CLOB|TEXT|BLOB|REAL|FLOA|DOUB|BOOL|DECIMAL|NUMERIC/;

/** Whether it is a part of the primary key. */
export function isPrimary([, , , , place]: SqlRow): boolean {
  return Number(place) > 0;
}

/** `rowids`: whole numbers that SQLite itself gives are the primary key. */
export function describeColumn(facts: SqlRow, rowids: boolean): Described {
  const [column, type, notNull, preset, primary, hidden] = facts;
  const declared = String(type ?? '').toUpperCase();
  const kind = kindOf(declared);
  const [precision, scale] = sizeOf(declared);
  const isRowid = rowids && isPrimary(facts) && declared === 'INTEGER';
  const generated = Number(hidden) > 1;
  return {
    column: String(column),
    type: declared,
    primary: Number(primary),
    kind,
    nullable: Number(notNull) === 0 && !isRowid,
    defaulted: isRowid || generated || (preset !== null && preset !== undefined),
    ...(generated && { generated }),
    ...(!STRONG.test(declared) && { loose: true }),
    ...(kind === 'text' && precision !== undefined && { length: precision }),
    ...(kind === 'decimal' && { digits: [precision ?? 0, scale ?? 0] as const }),
  };
}

/**
 * By the rules that SQLite has for declared types (https://www.sqlite.org/datatype3.html#determination_of_column_affinity). What
 * it keeps as a number when it looks like one, such as a DATE, is a `real`; a column without a type holds anything.
 */
function kindOf(declared: string): ColumnKind {
  if (declared.includes('JSON')) return 'json';
  if (declared.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(declared)) return 'text';
  if (declared.includes('BLOB') || declared === '') return 'binary';
  if (/REAL|FLOA|DOUB/.test(declared)) return 'real';
  if (declared.includes('BOOL')) return 'boolean';
  return /^(?:DECIMAL|NUMERIC)\b/.test(declared) && sizeOf(declared).length > 0 ? 'decimal' : 'real';
}

function sizeOf(declared: string): readonly number[] {
  const [, first, second] = /\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/.exec(declared) ?? [];
  return [first, second].filter((size) => size !== undefined).map(Number);
}
