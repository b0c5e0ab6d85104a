import type { Dialect, Sql, SqlValue } from './database.ts';
import { teller } from './rows.ts';
import { sql } from './sql.ts';
import type { Column, ColumnKind, Table } from './table.ts';

/** What rows are grouped by: expressions to select, and how their values are told as JSON. */
export interface GroupField {
  readonly expressions: readonly Sql[];
  /** Which of them may be long texts. */
  readonly long?: number;
  tell(values: readonly SqlValue[]): string;
}

/** What is measured. */
export interface MeasuredField {
  readonly field: string;
  /** A number or NULL; absent when no row has a number in the field. */
  readonly expression?: Sql;
  /** Digits behind the point, when it is a decimal. */
  readonly scale?: number;
}

const NUMBERS: readonly ColumnKind[] = ['integer', 'decimal', 'real'];
const JSON_NUMBERS = ['INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL', 'REAL'].map((type) => `'${type}'`).join(', ');
/** Other keys are written in a path by rules that differ from database to database. */
const PLAIN_KEY = /^[^"\\\p{Cc}\p{Surrogate}]+$/u;
/** Characters of a text that databases look at as a whole when they put texts in order; they may take four bytes each. */
const SHORT = 250;
const GREATEST = '1.7976931348623157e308';

/** `undefined` when SQL would not group by this as the core does. */
export function groupField(dialect: Dialect, table: Table, field: string): GroupField | undefined {
  const found = find(table, field);
  if (!found) return { expressions: [], tell: () => 'null' };
  const { column, path } = found;
  const name = dialect.quote(column.column);
  if (path) return groupPath(dialect, name, path);
  // JSON and bytes are told as something else than what the database compares.
  if (column.kind === 'json' || column.kind === 'binary') return undefined;
  const tell = teller(column, dialect);
  const isLong = column.kind === 'text' && !(column.length !== undefined && column.length <= SHORT);
  return { expressions: [sql(exactly(dialect, column, name))], ...(isLong && { long: 0 }), tell: ([value = null]) => tell(value) };
}

/** Where a column may hold values of any type, texts are compared by their bytes whatever the column is. */
function exactly({ exact, holds }: Dialect, { kind }: Column, name: string): string {
  if (holds) return `CASE WHEN ${holds(name, 'text')} THEN ${exact(name)} ELSE ${name} END`;
  return kind === 'text' ? exact(name) : name;
}

/** By the type and the text of the value, for the number 1 is not the text 1. JSON's own null is as good as nothing there. */
function groupPath(dialect: Dialect, name: string, path: readonly string[]): GroupField | undefined {
  const at = pathText(path);
  if (at === undefined) return undefined;
  const type = dialect.jsonType(name);
  const text = dialect.exact(dialect.jsonText(name));
  return {
    expressions: [sql(`NULLIF(${type}, 'NULL')`, at), sql(`CASE WHEN ${type} <> 'NULL' THEN ${text} END`, at, at)],
    long: 1,
    tell: ([kind = null, value = null]) => (value === null ? 'null' : kind === 'STRING' ? JSON.stringify(value) : String(value)),
  };
}

/** `undefined` when SQL would not measure this as the core does. */
export function measuredField(dialect: Dialect, table: Table, field: string): MeasuredField | undefined {
  const found = find(table, field);
  if (!found) return { field };
  const { column, path } = found;
  const name = dialect.quote(column.column);
  if (column.kind === 'json') return measuredPath(dialect, field, name, path ?? []);
  if (!NUMBERS.includes(column.kind)) {
    // Where a column may hold values of any type, one that is of no numbers may hold some, and they are told as such.
    if (column.kind === 'boolean' || !dialect.holds) return { field };
    if (column.kind !== 'text') return undefined;
  }
  const scale = column.kind === 'decimal' ? column.digits?.[1] : undefined;
  return { field, expression: sql(numberIn(dialect, name)), ...(scale !== undefined && { scale }) };
}

function numberIn({ holds }: Dialect, name: string): string {
  return holds ? `CASE WHEN ${holds(name, 'number')} AND ${name} BETWEEN -${GREATEST} AND ${GREATEST} THEN ${name} END` : name;
}

function measuredPath(dialect: Dialect, field: string, name: string, path: readonly string[]): MeasuredField | undefined {
  const at = pathText(path);
  if (at === undefined) return undefined;
  const isNumber = `${dialect.jsonType(name)} IN (${JSON_NUMBERS})`;
  return { field, expression: sql(`CASE WHEN ${isNumber} THEN ${dialect.real(dialect.jsonText(name))} END`, at, at) };
}

function pathText(path: readonly string[]): string | undefined {
  return path.every((key) => PLAIN_KEY.test(key)) ? `$${path.map((key) => `."${key}"`).join('')}` : undefined;
}

/** The column of a field, or the JSON column that its dotted path begins with; `undefined` when no row has the field. */
function find({ columns }: Table, field: string): { readonly column: Column; readonly path?: readonly string[] } | undefined {
  const own = columns.find((column) => column.field === field);
  if (own) return { column: own };
  const [first, ...path] = field.split('.');
  const outer = columns.find((column) => column.field === first);
  return path.length > 0 && outer?.kind === 'json' ? { column: outer, path } : undefined;
}
